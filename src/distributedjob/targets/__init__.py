"""Calls to targets: rendering a request, the egress guard, one HTTP/1.1 exchange that never resends."""
