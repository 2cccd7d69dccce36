"""One encoded request and the origin it goes to.

Everything that can be prepared once per task revision is prepared there, so that sending costs one
join of byte strings. `key` and `authority` are plain strings because their hashes are cached: both
are looked up on every call.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

from distributedjob.model.target import HttpMethod, Tls
from distributedjob.targets.success import SuccessCheck

Scheme = Literal["http", "https"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads. `host` is ASCII and lower case, an IPv6 literal without brackets.

    `key` names the pool of connections (scheme, host, port, TLS identity); `authority` is host:port.
    """

    scheme: Scheme
    host: str
    port: int
    tls: Tls
    key: str
    authority: str

    @classmethod
    def of(cls, scheme: Scheme, *, host: str, port: int, tls: Tls) -> "Origin":
        authority = f"{bracketed(host)}:{port}"
        identity = tls_identity(tls) if scheme == "https" else "plain"
        return cls(scheme, host, port, tls, f"{scheme}://{authority} {identity}", authority)

    @property
    def name(self) -> str:
        """`scheme://host:port`, as stop switches name it."""
        return f"{self.scheme}://{self.authority}"

    @property
    def host_header(self) -> str:
        default = 443 if self.scheme == "https" else 80
        return bracketed(self.host) if self.port == default else self.authority


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What is the same for every call of one task revision. `brings_agent`: the target sets its own User-Agent."""

    origin: Origin
    method: HttpMethod
    success: SuccessCheck
    redirects: int = 0
    brings_agent: bool = False


class Request(NamedTuple):
    """`head` is the request line and the target's headers, each line ended, without the empty line.

    `appended` are the caller's own header lines in the same form; `path` is the request target as on
    the wire (path and query). A tuple, since one is made for each call.
    """

    plan: CallPlan
    path: str
    head: bytes
    appended: bytes
    body: bytes


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def tls_identity(tls: Tls) -> str:
    """A short name of what is trusted: two targets share a connection only if these are equal."""
    trust = "system" if tls.ca is None else hashlib.sha256(tls.ca.encode()).hexdigest()
    return f"{'verified' if tls.verify else 'unverified'} {trust}"
