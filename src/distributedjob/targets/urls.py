"""Reading a target's URL: what is allowed, and the spelling that goes on the wire.

Everything that two readers could read differently is refused rather than repaired: user names before
an @, fragments, white space, back-slashes, zone ids. International host names become ASCII (UTS 46), so that
look-alike dots and digits are mapped before the address is judged.
"""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote

import idna

from distributedjob.targets.request import Scheme, bracketed

MAX_URL = 8000
_SPLIT = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#\\]*)(?P<rest>(?:[/?#].*)?)", re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"[a-z0-9_.-]{1,253}")
_UNTOUCHED = "/?%:@!$&'()*+,;=-._~[]"
"""Kept as written in path and query; everything else is percent-encoded as UTF-8."""


@dataclass(frozen=True, slots=True)
class UrlParts:
    """`target` is the path and query as written, never empty; templates in it are still there."""

    scheme: Scheme
    host: str
    port: int
    target: str


def parse_url(text: str) -> UrlParts:
    """Raises ValueError with a sentence that says what is wrong and what is allowed."""
    if len(text) > MAX_URL:
        raise ValueError(f"the URL has {len(text)} characters; at most {MAX_URL} are allowed")
    found = _SPLIT.fullmatch(text)
    if found is None:
        raise ValueError("not an absolute URL such as https://example.com/path")
    scheme = found["scheme"].lower()
    if scheme not in ("http", "https"):
        raise ValueError(f"scheme '{scheme}' is not supported; http and https are")
    host, port = _authority(found["authority"], default=443 if scheme == "https" else 80)
    rest = found["rest"]
    if "#" in rest:
        raise ValueError("a fragment (#…) is never sent to a server; leave it out, or write %23 for a literal #")
    target = rest if rest.startswith("/") else "/" + rest
    return UrlParts("https" if scheme == "https" else "http", host, port, target)


@lru_cache(maxsize=4096)
def origin_of(url: str) -> str:
    """`scheme://host:port` in one spelling, the port always named. Raises ValueError like `parse_url`."""
    parts = parse_url(url)
    return f"{parts.scheme}://{bracketed(parts.host)}:{parts.port}"


def wire(literal: str) -> str:
    """A literal piece of path or query with what may not travel percent-encoded.

    Raises ValueError for control characters, white space and back-slashes.
    """
    if (found := _FORBIDDEN.search(literal)) is not None:
        raise ValueError(f"the character {found[0]!r} is not allowed in a URL; write %{ord(found[0]):02X}")
    return quote(literal, safe=_UNTOUCHED)


def _authority(text: str, *, default: int) -> tuple[str, int]:
    if "@" in text:
        raise ValueError("a user name or password in the URL is not allowed; send an Authorization header")
    if "{{" in text:
        raise ValueError("templates are allowed in the path and the query, not in host or port")
    if text.startswith("["):
        inner, bracket, port = text[1:].partition("]")
        host = _ipv6(inner) if bracket else _refuse_host(text)
    elif text.count(":") > 1:
        _refuse_host(text)
    else:
        name, colon, port = text.partition(":")
        host, port = _name(name), colon + port
    return host, _port(port, default=default)


def _port(text: str, *, default: int) -> int:
    if text in ("", ":"):
        return default
    digits = text[1:]
    if not (text.startswith(":") and digits.isascii() and digits.isdigit() and len(digits) <= 5):
        raise ValueError(f"port '{digits}' is not a number from 1 to 65535")
    if not 1 <= int(digits) <= 65535:
        raise ValueError(f"port {digits} is not between 1 and 65535")
    return int(digits)


def _ipv6(text: str) -> str:
    if "%" in text:
        raise ValueError("zone ids such as [fe80::1%eth0] are not allowed")
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        _refuse_host(f"[{text}]")


def _name(text: str) -> str:
    if not text:
        raise ValueError("the URL has no host")
    if text.isascii():
        host = text.lower()
    else:
        try:
            host = idna.encode(text, uts46=True, transitional=False).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            _refuse_host(text)
    return host if _NAME.fullmatch(host) else _refuse_host(text)


def _refuse_host(text: str) -> NoReturn:
    raise ValueError(f"host '{text}' is neither a name nor an address; write IPv6 as [2001:db8::1]")
