"""Which headers a target may set, and how header lines are written.

Refused: what frames the message or belongs to the connection (RFC 9110, 7.6.1), what the worker sets
itself, and any byte that could end a line.
"""

import re
from collections.abc import Iterable

from distributedjob.targets.templates import RenderError

MAX_HEADERS = 64
MAX_VALUE = 8000

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
    }
)
_OURS = frozenset({"idempotency-key", "traceparent", "tracestate"})
OUR_PREFIX = "x-distributedjob-"


def fault_in_name(name: str) -> str:
    """Why a target may not set this header, as a sentence; empty when it may."""
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        return f"'{name[:60]}' is not a header name; letters, digits and !#$%&'*+-.^_`|~ are allowed"
    if lower == "host":
        return "the Host header follows from the URL; put the host there"
    if lower in _FRAMING:
        return f"{name} follows from the body and cannot be set"
    if lower in _HOP_BY_HOP:
        return f"{name} belongs to the connection, not to the request, and cannot be set"
    if lower in _OURS or lower.startswith(OUR_PREFIX):
        return f"{name} is set by the scheduler on each call and cannot be overridden"
    return ""


def fault_in_value(value: str) -> str:
    if (found := _BAD_VALUE.search(value)) is not None:
        return f"the value contains the control character {found[0]!r}, which is not allowed in a header"
    if len(value) > MAX_VALUE:
        return f"the value has {len(value)} characters; at most {MAX_VALUE} are allowed"
    return ""


def checked_value(value: str) -> str:
    """A rendered value, or RenderError where it could not be one header value."""
    if fault := fault_in_value(value):
        raise RenderError(fault)
    return value


def lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in pairs])


def appended_lines(pairs: tuple[tuple[str, str], ...]) -> bytes:
    """The caller's own headers. One count finds any line that was not meant: this runs on every call."""
    text = lines(pairs)
    count = len(pairs)
    if text.count("\n") != count or text.count("\r") != count or "\0" in text:
        raise RenderError("one of the scheduler's own headers contains a line break")
    return text.encode()
