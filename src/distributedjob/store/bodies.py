"""How response bodies are kept: one text column for text and bytes, compressed where that pays."""

import zlib
from base64 import b64decode, b64encode

COMPRESS_FROM = 1_024
PLAIN, BASE64, ZLIB = 0, 1, 2


def encode_body(body: bytes) -> tuple[int, str]:
    """(coding, text): plain where it is text, base64 where it is not, compressed where that pays."""
    if len(body) >= COMPRESS_FROM:
        packed = zlib.compress(body, 1)
        if len(packed) * 4 // 3 < len(body):
            return ZLIB, b64encode(packed).decode("ascii")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return BASE64, b64encode(body).decode("ascii")
    return (BASE64, b64encode(body).decode("ascii")) if "\0" in text else (PLAIN, text)


def decode_body(coding: int, text: str) -> bytes:
    match coding:
        case 0:
            return text.encode()
        case 1:
            return b64decode(text)
        case _:
            return zlib.decompress(b64decode(text))
