"""What a node does in each of its roles: which parts run for it, and how they are tied together."""
