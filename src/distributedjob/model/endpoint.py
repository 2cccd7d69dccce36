"""Addresses of servers in the form host:port, with IPv6 in brackets."""


def split_endpoint(text: str) -> tuple[str, int]:
    """Host and port of `db.example.com:2379` or `[::1]:2379`; raises ValueError saying what is wrong."""
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "/" in text or "@" in text or not colon:
        raise ValueError(f"'{text}' is no host:port; write it like 10.0.0.1:2379, without http:// or a path")
    if not bare or (":" in bare and bare == host) or any(char.isspace() or char in "[]," for char in bare):
        raise ValueError(f"'{text}' has no valid host; write IPv6 addresses in brackets, like [::1]:2379")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"'{text}' has no valid port; allowed are 1 to 65535")
    return bare, int(port)


def is_endpoint(text: str) -> bool:
    """Whether `split_endpoint` takes it."""
    try:
        split_endpoint(text)
    except ValueError:
        return False
    return True
