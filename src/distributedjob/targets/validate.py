"""What is wrong with a target, field by field, for the person who saves a task.

Each check calls the same code that prepares the call, so a target without a fault can be compiled.
"""

from collections.abc import Callable, Iterator

from distributedjob.model.errors import FieldError
from distributedjob.model.outcome import NotSent
from distributedjob.model.target import Body, HttpMethod, HttpTarget, StatusRange, SuccessRule, Tls
from distributedjob.targets import jsonpath, templates
from distributedjob.targets.dial import make_context
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.headers import MAX_HEADERS, MAX_VALUE, fault_in_name, fault_in_value
from distributedjob.targets.payload import compile_body
from distributedjob.targets.render import compile_path
from distributedjob.targets.resolve import judge_literal
from distributedjob.targets.success import compile_expression
from distributedjob.targets.urls import parse_url

MAX_QUERY = 64
MAX_REDIRECTS = 3
MAX_CONTAINS = 1000
MAX_CA = 256 * 1024
MAX_STATUS_RANGES = 50


def validate_target(target: HttpTarget, *, egress: EgressPolicy | None = None) -> list[FieldError]:
    """All faults, with paths relative to the target (`headers[2].name`); with `egress` also a literal
    address that this policy denies. Names are judged at each call, since DNS may change."""
    return [
        *_url(target, egress),
        *_headers(target),
        *_query(target),
        *_body(target),
        *_success(target.success),
        *_tls(target.tls),
        *_redirects(target.redirects),
    ]


def _url(target: HttpTarget, egress: EgressPolicy | None) -> Iterator[FieldError]:
    try:
        parts = parse_url(target.url)
        compile_path(parts.target, query=())
    except ValueError as error:
        yield FieldError("url", str(error))
        return
    refusal = None if egress is None else judge_literal(egress, host=parts.host, port=parts.port)
    if isinstance(refusal, NotSent):
        yield FieldError("url", refusal.message, refusal.reason)


def _headers(target: HttpTarget) -> Iterator[FieldError]:
    if len(target.headers) > MAX_HEADERS:
        yield FieldError("headers", f"{len(target.headers)} headers; at most {MAX_HEADERS} are allowed")
    for place, (name, value) in enumerate(target.headers):
        if fault := fault_in_name(name):
            yield FieldError(f"headers[{place}].name", fault)
        if fault := fault_in_value(value):
            yield FieldError(f"headers[{place}].value", fault)
        else:
            yield from _template(f"headers[{place}].value", value)
        if name.lower() == "content-type" and target.body is not None and target.body.content_type is not None:
            yield FieldError(f"headers[{place}].name", "the content type is set twice: here and in body.content_type")


def _query(target: HttpTarget) -> Iterator[FieldError]:
    if len(target.query) > MAX_QUERY:
        yield FieldError("query", f"{len(target.query)} parameters; at most {MAX_QUERY} are allowed")
    for place, (name, value) in enumerate(target.query):
        if not name:
            yield FieldError(f"query[{place}].name", "a query parameter needs a name")
        if len(value) > MAX_VALUE:
            yield FieldError(f"query[{place}].value", f"{len(value)} characters; at most {MAX_VALUE} are allowed")
        yield from _template(f"query[{place}].value", value)


def _body(target: HttpTarget) -> Iterator[FieldError]:
    body = target.body
    if body is None:
        return
    if target.method is HttpMethod.HEAD:
        yield FieldError("body", "a HEAD request has no body; leave it out or choose another method")
    yield from _attempt("body.content", lambda: compile_body(body))
    yield from _content_type(body)


def _content_type(body: Body) -> Iterator[FieldError]:
    if body.content_type is None:
        return
    fault = fault_in_value(body.content_type)
    if fault or "/" not in body.content_type:
        yield FieldError("body.content_type", fault or "not a media type such as application/json")
    else:
        yield from _template("body.content_type", body.content_type)


def _success(rule: SuccessRule) -> Iterator[FieldError]:
    if not 1 <= len(rule.statuses) <= MAX_STATUS_RANGES:
        yield FieldError("success.statuses", f"needs 1 to {MAX_STATUS_RANGES} status ranges, such as 200–299")
    for place, part in enumerate(rule.statuses):
        if fault := _fault_in_range(part):
            yield FieldError(f"success.statuses[{place}]", fault)
    contains, matches, path = rule.body_contains, rule.body_matches, rule.json_path
    if contains is not None and not 1 <= len(contains) <= MAX_CONTAINS:
        yield FieldError("success.body_contains", f"needs 1 to {MAX_CONTAINS} characters")
    if matches is not None:
        yield from _attempt("success.body_matches", lambda: compile_expression(matches))
    if path is not None:
        yield from _attempt("success.json_path.path", lambda: jsonpath.parse(path.path))


def _fault_in_range(part: StatusRange) -> str:
    if not 200 <= part.first <= part.last <= 599:
        return f"{part.first}–{part.last} is not a range of final statuses; 200 to 599 are allowed"
    return ""


def _tls(tls: Tls) -> Iterator[FieldError]:
    if tls.ca is None:
        return
    if len(tls.ca) > MAX_CA:
        yield FieldError("tls.ca", f"{len(tls.ca)} characters; at most {MAX_CA} are allowed")
        return
    try:
        make_context(tls)
    except (OSError, TypeError, ValueError):  # TypeError: not even ASCII
        yield FieldError("tls.ca", "not PEM certificates; they begin with -----BEGIN CERTIFICATE-----")


def _redirects(count: int) -> Iterator[FieldError]:
    if not 0 <= count <= MAX_REDIRECTS:
        yield FieldError("redirects", f"{count} redirects; 0 to {MAX_REDIRECTS} are allowed")


def _template(field: str, text: str) -> Iterator[FieldError]:
    yield from _attempt(field, lambda: templates.parse(text))


def _attempt(field: str, check: Callable[[], object]) -> Iterator[FieldError]:
    try:
        check()
    except ValueError as error:
        yield FieldError(field, str(error))
