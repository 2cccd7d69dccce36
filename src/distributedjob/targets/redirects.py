"""Where a redirect leads, decided purely: the next request, or why it is not followed.

Never from https to http. Across origins everything that may be a credential stays behind: only headers
known to carry none go along. 307 and 308 keep method and body; 303, and 301 or 302 after a POST,
become a GET without one (RFC 9110, 15.4).
"""

from dataclasses import replace
from urllib.parse import urljoin

from distributedjob.model.outcome import Answer
from distributedjob.model.target import HttpMethod
from distributedjob.targets.request import CallPlan, Origin, Request
from distributedjob.targets.urls import UrlParts, parse_url, wire

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEPING = frozenset({307, 308})
HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
ABOUT_THE_BODY = frozenset({"content-type", "content-length", "content-encoding", "content-language"})


def follow(request: Request, answer: Answer) -> Request | str:
    """The request of the next hop, or a sentence that says why there is none."""
    location = next((value for name, value in answer.headers if name == "location"), "")
    if not location:
        return "the redirect names no location"
    origin = request.plan.origin
    try:
        parts = parse_url(urljoin(f"{origin.scheme}://{origin.authority}{request.path}", location).partition("#")[0])
        path = wire(parts.target)
    except ValueError as error:
        return f"the redirect leads to an unusable location: {error}"
    if origin.scheme == "https" and parts.scheme == "http":
        return "the redirect leads from https to http, which is never followed"
    return _next(request, parts, path=path, method=_method(request.plan.method, answer.status))


def _next(request: Request, parts: UrlParts, *, path: str, method: HttpMethod) -> Request:
    origin = Origin.of(parts.scheme, host=parts.host, port=parts.port, tls=request.plan.origin.tls)
    plan = replace(request.plan, origin=origin, method=method)
    keeps_body = method is request.plan.method
    head = _head(request, plan, path=path, drop=frozenset() if keeps_body else ABOUT_THE_BODY)
    return Request(plan, path, head, request.appended, request.body if keeps_body else b"")


def _method(method: HttpMethod, status: int) -> HttpMethod:
    if status in KEEPING or method in (HttpMethod.GET, HttpMethod.HEAD):
        return method
    if status == 303 or method is HttpMethod.POST:
        return HttpMethod.GET
    return method


def _head(request: Request, plan: CallPlan, *, path: str, drop: frozenset[str]) -> bytes:
    """The same header lines with a new request line and Host, less what may not come along."""
    crosses = plan.origin.key != request.plan.origin.key
    kept = [f"{plan.method} {path} HTTP/1.1", f"Host: {plan.origin.host_header}"]
    for line in request.head.decode().split("\r\n")[2:-1]:
        name = line.partition(":")[0].lower()
        if name not in drop and not (crosses and name not in HARMLESS and name != "content-length"):
            kept.append(line)
    return "".join(f"{line}\r\n" for line in kept).encode()
