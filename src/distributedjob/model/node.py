"""What nodes say of themselves and others filter by."""

LABEL = r"^[a-z0-9][a-z0-9._-]{0,62}=[A-Za-z0-9._-]{0,63}$"
"""A label: `zone=a`."""

QUEUE = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""The name of a queue."""
