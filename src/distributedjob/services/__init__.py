"""One function per verb, one transaction each: what the edges may ask for."""
