"""Targets in JSON. `body` may be a plain string, or say what it is by `kind`."""

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from distributedjob.api.rest.wire.base import Whole, Wire
from distributedjob.model.target import (
    Body,
    BodyKind,
    HttpMethod,
    HttpTarget,
    JsonPathRule,
    StatusRange,
    SuccessRule,
    Tls,
)

_STATUSES = re.compile(r"([1-5])xx|([0-9]{3})(?:-([0-9]{3}))?")

MediaType = Annotated[str, Field(min_length=1, max_length=200)]


class TextBody(Wire):
    kind: Literal["text"]
    content: str
    content_type: MediaType | None = None


class JsonBody(Wire):
    kind: Literal["json"]
    content: JsonValue
    content_type: MediaType | None = None


class FormBody(Wire):
    kind: Literal["form"]
    content: dict[str, str]
    content_type: MediaType | None = None


class Base64Body(Wire):
    kind: Literal["base64"]
    content: str
    content_type: MediaType | None = None


def _body_kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "<plain>"
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>"


BodyIn = Annotated[
    Annotated[str, Tag("<plain>")]
    | Annotated[TextBody, Tag("<text>")]
    | Annotated[JsonBody, Tag("<json>")]
    | Annotated[FormBody, Tag("<form>")]
    | Annotated[Base64Body, Tag("<base64>")],
    Discriminator(
        _body_kind,
        custom_error_type="body_kind",
        custom_error_message='is text, or an object such as {"kind": "json", "content": …} with kind '
        "text, json, form or base64",
    ),
]


class JsonPathIn(Wire):
    path: str = Field(min_length=1, max_length=500, examples=["$.status"])
    equals: JsonValue


StatusText = Annotated[str, Field(pattern=r"^([1-5]xx|[0-9]{3}(-[0-9]{3})?)$")]
Status = Annotated[Whole, Field(ge=200, le=599)]


class SuccessIn(Wire):
    """Which answers count as a success; all parts that are given have to hold."""

    statuses: list[Status | StatusText] = Field(default=["200-299"], min_length=1, max_length=50)
    body_contains: str | None = Field(default=None, min_length=1, max_length=1000)
    body_matches: str | None = Field(default=None, min_length=1, max_length=1000)
    json_path: JsonPathIn | None = None

    def to_model(self) -> SuccessRule:
        rule = None if self.json_path is None else JsonPathRule(self.json_path.path, self.json_path.equals)
        return SuccessRule(tuple(map(_range, self.statuses)), self.body_contains, self.body_matches, rule)

    @classmethod
    def of(cls, rule: SuccessRule) -> "SuccessIn":
        path = None if rule.json_path is None else JsonPathIn(path=rule.json_path.path, equals=_json(rule))
        return cls(
            statuses=[_text(part) for part in rule.statuses],
            body_contains=rule.body_contains,
            body_matches=rule.body_matches,
            json_path=path,
        )


class TlsIn(Wire):
    verify: bool = True
    ca: str | None = Field(default=None, max_length=262_144, description="PEM certificates instead of the system's")


class HttpTargetIn(Wire):
    kind: Literal["http"] = "http"
    url: str = Field(min_length=1, max_length=8192, examples=["http://127.0.0.1:9000/hook"])
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "POST"
    headers: dict[str, str] = Field(default={}, max_length=64)
    query: dict[str, str | list[str]] = Field(default={}, max_length=64)
    body: BodyIn | None = None
    success: SuccessIn = SuccessIn()
    tls: TlsIn = TlsIn()
    redirects: Whole = Field(default=0, ge=0, le=3)

    def to_model(self) -> HttpTarget:
        return HttpTarget(
            url=self.url,
            method=HttpMethod(self.method),
            headers=tuple(self.headers.items()),
            query=tuple(_pairs(self.query)),
            body=_body(self.body),
            success=self.success.to_model(),
            tls=Tls(self.tls.verify, self.tls.ca),
            redirects=self.redirects,
        )

    @classmethod
    def of(cls, target: HttpTarget) -> "HttpTargetIn":
        query: dict[str, str | list[str]] = {}
        for name, value in target.query:
            known = query.get(name)
            query[name] = value if known is None else [*([known] if isinstance(known, str) else known), value]
        return cls(
            url=target.url,
            method=target.method.value,
            headers=dict(target.headers),
            query=query,
            body=_shown_body(target.body),
            success=SuccessIn.of(target.success),
            tls=TlsIn(verify=target.tls.verify, ca=target.tls.ca),
            redirects=target.redirects,
        )


def _pairs(query: dict[str, str | list[str]]) -> list[tuple[str, str]]:
    return [
        (name, value) for name, values in query.items() for value in ([values] if isinstance(values, str) else values)
    ]


def _body(body: str | TextBody | JsonBody | FormBody | Base64Body | None) -> Body | None:
    if body is None:
        return None
    if isinstance(body, str):
        return Body(BodyKind.TEXT, body)
    return Body(BodyKind(body.kind), body.content, body.content_type)


def _shown_body(body: Body | None) -> str | TextBody | JsonBody | FormBody | Base64Body | None:
    if body is None:
        return None
    if body.kind is BodyKind.TEXT and body.content_type is None:
        return str(body.content)
    fields = {"kind": body.kind.value, "content": body.content, "content_type": body.content_type}
    match body.kind:
        case BodyKind.TEXT:
            return TextBody.model_validate(fields)
        case BodyKind.JSON:
            return JsonBody.model_validate(fields)
        case BodyKind.FORM:
            return FormBody.model_validate(fields)
        case BodyKind.BASE64:
            return Base64Body.model_validate(fields)


def _range(part: int | str) -> StatusRange:
    if isinstance(part, int):
        return StatusRange(part, part)
    found = _STATUSES.fullmatch(part)
    assert found is not None, "the pattern of the field has checked it"
    hundreds, first, last = found.groups()
    if hundreds:
        return StatusRange(int(hundreds) * 100, int(hundreds) * 100 + 99)
    return StatusRange(int(first), int(last or first))


def _text(part: StatusRange) -> str:
    return f"{part.first}" if part.first == part.last else f"{part.first}-{part.last}"


def _json(rule: SuccessRule) -> Any:
    assert rule.json_path is not None
    return rule.json_path.equals
