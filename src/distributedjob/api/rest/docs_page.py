"""The page at /docs: the API's description to read, as one document without scripts.

The usual page loads a program from somebody else's host into the user's browser; this one needs nothing and works
without a network.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1c2330;background:#fff}
h2{margin-top:2.5rem;text-transform:capitalize}code,pre{font:14px/1.4 ui-monospace,monospace}
summary{cursor:pointer;padding:.4rem 0}summary b{display:inline-block;width:4.5rem}details{border-top:1px solid #d9dee7}
pre{background:#f3f5f9;padding:.7rem;overflow:auto}
td,th{text-align:left;padding:.15rem 1rem .15rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#dfe5ef;background:#14181f}pre{background:#1e242e}
details{border-color:#333b48}}
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
Json = dict[str, Any]


def render_docs(description: Json) -> str:
    """HTML of an OpenAPI document."""
    info = description["info"]
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style>",
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
        *(f"<p>{escape(paragraph)}</p>" for paragraph in info["description"].split("\n\n")),
        '<p>For machines: <a href="/openapi.json">/openapi.json</a></p>',
        *_operations(description),
        "<h2>Schemas</h2>",
        *_schemas(description.get("components", {}).get("schemas", {})),
    ]
    return "\n".join([*parts, "</html>"])


def _operations(description: Json) -> Iterator[str]:
    tag = None
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f"<h2>{escape(tag)}</h2>"
            yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    head = f"<b>{escape(method.upper())}</b> <code>{escape(path)}</code>"
    yield f"<details><summary>{head}</summary><p>{escape(operation.get('description', ''))}</p>"
    if parameters := operation.get("parameters"):
        yield f"<table><tr><th>parameter<th>in<th>type<th></tr>{''.join(map(_parameter, parameters))}</table>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_contents(body)}</p>"
    answers = (f"<tr><td>{escape(code)}<td>{_contents(answer)}" for code, answer in operation["responses"].items())
    yield f"<table><tr><th>answer<th></tr>{''.join(answers)}</table></details>"


def _parameter(parameter: Json) -> str:
    name, place = escape(parameter["name"]), escape(parameter["in"])
    words = escape(parameter.get("description", ""))
    return f"<tr><td><code>{name}</code><td>{place}<td>{_type(parameter['schema'])}<td>{words}"


def _contents(part: Json) -> str:
    types = [_type(content["schema"]) for content in part.get("content", {}).values() if content.get("schema")]
    return ", ".join(types) or escape(part.get("description", ""))


def _type(schema: Json) -> str:
    """A short name of a type, linked where it has a section of its own."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "enum" in schema or "const" in schema:
        return " | ".join(
            f"<code>{escape(json.dumps(value))}</code>" for value in schema.get("enum", [schema.get("const")])
        )
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(_type(each) for each in schema[several])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("format", kind)))


def _schemas(schemas: Json) -> Iterator[str]:
    for name, schema in schemas.items():
        text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary><pre>{text}</pre></details>'
