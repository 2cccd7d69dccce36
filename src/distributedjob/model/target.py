"""What an attempt calls. HTTP for now; `kind` on the wire tells targets apart."""

from dataclasses import dataclass, field
from enum import StrEnum


class HttpMethod(StrEnum):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    HEAD = "HEAD"


class BodyKind(StrEnum):
    TEXT = "text"
    JSON = "json"
    FORM = "form"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class Body:
    """`content` is text for text and base64 (of the bytes to send), any JSON value for json, a flat
    mapping of strings for form. Templates are replaced inside strings; base64 has none."""

    kind: BodyKind
    content: object
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class StatusRange:
    """Both ends inclusive."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class JsonPathRule:
    path: str
    equals: object


@dataclass(frozen=True, slots=True)
class SuccessRule:
    """An answer is a success when all parts that are given hold."""

    statuses: tuple[StatusRange, ...] = (StatusRange(200, 299),)
    body_contains: str | None = None
    body_matches: str | None = None
    json_path: JsonPathRule | None = None


@dataclass(frozen=True, slots=True)
class Tls:
    """`ca` holds PEM certificates that replace the system's trust store."""

    verify: bool = True
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """`redirects` is how many are followed (0 to 3)."""

    url: str
    method: HttpMethod = HttpMethod.POST
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    body: Body | None = None
    success: SuccessRule = field(default_factory=SuccessRule)
    tls: Tls = field(default_factory=Tls)
    redirects: int = 0


Target = HttpTarget
