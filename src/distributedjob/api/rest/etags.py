"""ETags: a task's is its revision, so a change can be made conditional on the revision it was made from."""

from typing import Annotated

from fastapi import Header

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description='the ETag of the revision this change is based on, such as `"3"`; 412 if there is a newer one',
    ),
]


def etag_of(revision: int) -> str:
    return f'"{revision}"'


def expected_revisions(if_match: str | None) -> frozenset[int] | None:
    """The revisions that may be changed; None: any. Tags that are not ours match nothing."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(","))
    return frozenset(int(tag) for tag in tags if tag.isascii() and tag.isdigit() and len(tag) < 10)
