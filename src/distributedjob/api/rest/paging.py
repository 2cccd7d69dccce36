"""Cursors: where a page ended, as a text that is not to be looked into."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from distributedjob.model.errors import Invalid

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str, Field(min_length=1, max_length=100, description="`next_cursor` of the page before")]


def encode_cursor(position: Sequence[int]) -> str:
    return base64.urlsafe_b64encode(",".join(map(str, position)).encode()).decode().rstrip("=")


def decode_cursor(text: str | None, *, parts: int) -> tuple[int, ...] | None:
    """Raises Invalid for a text that is no cursor of this list."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        position = tuple(int(part) for part in raw.decode("ascii").split(","))
    except (binascii.Error, ValueError):
        position = ()
    if len(position) != parts or not all(0 <= part < 2**63 for part in position):
        raise Invalid.one("cursor", "is not the next_cursor of a page of this list; leave it out to begin anew")
    return position
