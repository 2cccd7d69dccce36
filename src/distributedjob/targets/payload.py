"""The body of a request: parsed once, rendered per call, encoded for its kind."""

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote_plus

import msgspec

from distributedjob.model.target import Body, BodyKind
from distributedjob.targets.templates import RunVariables, Template, parse

MAX_BODY = 1024 * 1024
MAX_DEPTH = 64

CONTENT_TYPES = {
    BodyKind.TEXT: "text/plain; charset=utf-8",
    BodyKind.JSON: "application/json",
    BodyKind.FORM: "application/x-www-form-urlencoded",
    BodyKind.BASE64: "application/octet-stream",
}

Payload = bytes | Callable[[RunVariables], bytes]
"""The bytes where nothing is templated, else how to make them; making them may raise RenderError."""


def compile_body(body: Body) -> Payload:
    """Raises ValueError with a sentence when the content does not fit its kind."""
    match body.kind:
        case BodyKind.TEXT:
            return _text(_string(body.content))
        case BodyKind.JSON:
            return _json(body.content)
        case BodyKind.FORM:
            return _form(body.content)
        case BodyKind.BASE64:
            return _bounded(_base64(_string(body.content)))


def _text(content: str) -> Payload:
    template = parse(content)
    if template.is_literal:
        return _bounded(template.parts[0].encode())
    return lambda run: template.render(run, encode=_as_is).encode()


def _json(content: object) -> Payload:
    prepared = _parsed(content, MAX_DEPTH)
    if not _is_templated(prepared):
        return _bounded(msgspec.json.encode(_filled(prepared, None)))
    return lambda run: msgspec.json.encode(_filled(prepared, run))


def _form(content: object) -> Payload:
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise ValueError("a form body is a flat mapping of names to text")
    fields = [(quote_plus(str(name)), parse(value).with_literals(quote_plus)) for name, value in content.items()]

    def encode(run: RunVariables | None) -> bytes:
        return "&".join(f"{name}={_rendered(value, run, quote_plus)}" for name, value in fields).encode()

    return _bounded(encode(None)) if all(value.is_literal for _, value in fields) else encode


def _base64(content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the content is not base64") from None


def _string(content: object) -> str:
    if not isinstance(content, str):
        raise ValueError("the content of this kind of body is text")  # noqa: TRY004 - the caller reads one kind of error
    return content


def _bounded(encoded: bytes) -> bytes:
    if len(encoded) > MAX_BODY:
        raise ValueError(f"the body has {len(encoded)} bytes; at most {MAX_BODY} are allowed")
    return encoded


def _parsed(value: object, depth: int) -> object:
    """The JSON value with every string, but no key, turned into a template."""
    if depth == 0:
        raise ValueError(f"the JSON body is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return parse(value)
    if isinstance(value, dict):
        return {str(key): _parsed(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_parsed(item, depth - 1) for item in value]
    return value


def _is_templated(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_is_templated, value.values()))
    if isinstance(value, list):
        return any(map(_is_templated, value))
    return isinstance(value, Template) and not value.is_literal


def _filled(value: object, run: RunVariables | None) -> object:
    if isinstance(value, Template):
        return _rendered(value, run, _as_is)
    if isinstance(value, dict):
        return {key: _filled(item, run) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, run) for item in value]
    return value


def _rendered(template: Template, run: RunVariables | None, encode: Callable[[str], str]) -> str:
    return template.parts[0] if run is None else template.render(run, encode=encode)


def _as_is(value: str) -> str:
    return value
