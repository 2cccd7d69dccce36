"""From a target to the bytes of one call: everything that can be prepared once per revision is.

A target without templates costs nothing per call but the encoding of the headers that the worker
appends; one with templates re-renders only the parts that have some.
"""

from dataclasses import dataclass
from urllib.parse import quote

from distributedjob.model.outcome import NotSent
from distributedjob.model.target import HttpMethod, HttpTarget
from distributedjob.targets import headers as header_rules
from distributedjob.targets.payload import CONTENT_TYPES, Payload, compile_body
from distributedjob.targets.request import CallPlan, Origin, Request
from distributedjob.targets.success import compile_success
from distributedjob.targets.templates import RenderError, RunVariables, Template, parse
from distributedjob.targets.urls import parse_url, wire

Pairs = tuple[tuple[str, str], ...]

BODILESS = frozenset({HttpMethod.GET, HttpMethod.HEAD, HttpMethod.DELETE})
"""Methods that send no Content-Length when there is no body (RFC 9110, 8.6)."""


@dataclass(frozen=True, slots=True)
class CompiledTarget:
    """One revision's target, ready to be called. `fixed_head` is there when nothing in the head varies."""

    plan: CallPlan
    path: Template
    headers: tuple[tuple[str, Template], ...]
    payload: Payload
    fixed_head: bytes | None

    def request(self, variables: RunVariables, *, headers: Pairs = ()) -> Request | NotSent:
        """The request of one call; `headers` are the worker's own, added behind the target's.

        A value that cannot be put where a template wants it ends as NotSent("render_failed").
        """
        try:
            appended = header_rules.appended_lines(headers)
            body = self.payload if isinstance(self.payload, bytes) else self.payload(variables)
            if self.fixed_head is not None:
                return Request(self.plan, self.path.parts[0], self.fixed_head, appended, body)
            path = _checked_path(self.path.render(variables, encode=_segment))
            pairs = [(name, _value(template, variables)) for name, template in self.headers]
        except RenderError as error:
            return NotSent("render_failed", str(error))
        return Request(self.plan, path, encode_head(self.plan, path=path, pairs=pairs, body=body), appended, body)


def compile_target(target: HttpTarget) -> CompiledTarget:
    """Prepare a target that `validate_target` found no fault in; raises ValueError on another."""
    parts = parse_url(target.url)
    names = {name.lower() for name, _ in target.headers}
    plan = CallPlan(
        origin=Origin.of(parts.scheme, host=parts.host, port=parts.port, tls=target.tls),
        method=target.method,
        success=compile_success(target.success),
        redirects=target.redirects,
        brings_agent="user-agent" in names,
    )
    path = compile_path(parts.target, query=target.query)
    headers = tuple((name, parse(value)) for name, value in _with_defaults(target, names))
    payload = b"" if target.body is None else compile_body(target.body)
    fixed = None
    if path.is_literal and isinstance(payload, bytes) and all(value.is_literal for _, value in headers):
        pairs = [(name, value.parts[0]) for name, value in headers]
        fixed = encode_head(plan, path=path.parts[0], pairs=pairs, body=payload)
    return CompiledTarget(plan, path, headers, payload, fixed)


def compile_path(target: str, *, query: Pairs) -> Template:
    """Path and query of the URL with the extra query pairs behind them, literals already encoded."""
    path = parse(target).with_literals(wire)
    joint = "&" if "?" in target else "?"
    for name, value in query:
        piece = parse(value).with_literals(_segment)
        prefix = f"{joint}{_segment(name)}={piece.parts[0]}"
        path = Template((*path.parts[:-1], path.parts[-1] + prefix, *piece.parts[1:]))
        joint = "&"
    return path


def encode_head(plan: CallPlan, *, path: str, pairs: list[tuple[str, str]], body: bytes) -> bytes:
    """Request line and headers, each line ended; the empty line comes behind what the caller appends."""
    length = "" if not body and plan.method in BODILESS else f"Content-Length: {len(body)}\r\n"
    line = f"{plan.method} {path} HTTP/1.1\r\nHost: {plan.origin.host_header}\r\n"
    return (line + header_rules.lines(pairs) + length).encode()


def _with_defaults(target: HttpTarget, names: set[str]) -> Pairs:
    """The target's headers, and what it left unsaid: a content type, and that no compression is asked for."""
    defaults: list[tuple[str, str]] = []
    if target.body is not None and "content-type" not in names:
        defaults.append(("Content-Type", target.body.content_type or CONTENT_TYPES[target.body.kind]))
    if "accept-encoding" not in names:
        defaults.append(("Accept-Encoding", "identity"))
    if "accept" not in names:
        defaults.append(("Accept", "*/*"))
    return (*target.headers, *defaults)


def _value(template: Template, run: RunVariables) -> str:
    return header_rules.checked_value(template.render(run, encode=_as_is))


def _segment(value: str) -> str:
    return quote(value, safe="")


def _as_is(value: str) -> str:
    return value


def _checked_path(path: str) -> str:
    """Percent-encoding leaves dots alone, so a value could still climb: `/files/{{ params.name }}` with `..`."""
    if any(segment in (".", "..") for segment in path.partition("?")[0].split("/")):
        raise RenderError("a template made a path segment '.' or '..', which servers read as another path")
    return path
