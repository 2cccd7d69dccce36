"""Addresses of servers in the form host:port, with IPv6 in brackets."""

import re

FORM = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<v6>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{1,5})")


def split_endpoint(text: str) -> tuple[str, int]:
    """Host and port of `db.example.com:2379` or `[::1]:2379`; raises ValueError saying what is wrong."""
    found = FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            f"'{text}' is no host:port; write it like 10.0.0.1:2379 or [::1]:2379, without http:// or path"
        )
    port = int(found["port"])
    if not 0 < port < 65536:
        raise ValueError(f"'{text}' has no valid port; allowed are 1 to 65535")
    return found["name"] or found["v6"], port


def is_endpoint(text: str) -> bool:
    """Whether `split_endpoint` takes it."""
    try:
        split_endpoint(text)
    except ValueError:
        return False
    return True
