"""Undoing a Content-Encoding with a bound on what comes out, so that a bomb costs no more than its cap."""

import zlib
from dataclasses import dataclass

GZIP = 16 + zlib.MAX_WBITS
RAW_DEFLATE = -zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Decoded:
    """`cut` says that the content is not whole: over the limit, ended early, or not what was announced."""

    content: bytes
    cut: bool


def decoded(body: bytes, *, encoding: str, limit: int) -> Decoded:
    """At most `limit` bytes of the content. An encoding that nobody asked for stays as it came."""
    match encoding.strip().lower():
        case "gzip" | "x-gzip":
            return _inflated(body, window=GZIP, limit=limit)
        case "deflate":
            return _inflated(body, window=_deflate_window(body), limit=limit)
        case _:
            return Decoded(body[:limit], len(body) > limit)


def _inflated(body: bytes, *, window: int, limit: int) -> Decoded:
    inflater = zlib.decompressobj(window)
    try:
        content = inflater.decompress(body, limit)
    except zlib.error:
        return Decoded(b"", cut=True)
    return Decoded(content, not inflater.eof)


def _deflate_window(body: bytes) -> int:
    """`deflate` means the zlib format, yet some servers send the bare stream (RFC 9110, 8.4.1.2)."""
    zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] * 256 + body[1]) % 31 == 0
    return zlib.MAX_WBITS if zlib_header else RAW_DEFLATE
