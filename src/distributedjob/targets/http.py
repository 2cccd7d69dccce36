"""The facade over one call: route, connection, last look, one write, one outcome.

The promise to the worker: nothing is ever sent twice. `NotSent` is returned only when not a byte of
the request left; from the first byte on an outcome is `Answered` or `Unclear`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import NamedTuple

from distributedjob.model.outcome import Answer, Answered, NotSent, Outcome, Unclear
from distributedjob.targets.connection import Connection
from distributedjob.targets.dial import Dialler
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.limits import Limits
from distributedjob.targets.pool import Pool
from distributedjob.targets.redirects import REDIRECTS, follow
from distributedjob.targets.request import Request
from distributedjob.targets.resolve import Lookup, Resolver, Route, system_lookup


class Line(Enum):
    """`ANY` may use a connection that is already open; `FRESH` opens its own (at-most-once calls)."""

    ANY = "any"
    FRESH = "fresh"


class Terms(NamedTuple):
    """`connect_timeout` in seconds per connection to be made; `deadline` of the whole call, on the loop's clock."""

    connect_timeout: float
    deadline: float
    line: Line


class HttpCaller:
    """Calls targets under one egress policy at a time; connections never outlive the policy they were opened under."""

    def __init__(
        self,
        *,
        egress: EgressPolicy,
        user_agent: str,
        limits: Limits | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._limits = limits or Limits()
        self._lookup = lookup
        self._agent = f"User-Agent: {user_agent}\r\n".encode("ascii")
        self._dialler = Dialler(limits=self._limits)
        self._pool = Pool(limits=self._limits)
        self._resolver = self._resolver_under(egress)

    async def call(
        self,
        request: Request,
        *,
        connect_timeout: float,
        total_timeout: float,
        last_look: Callable[[], bool],
        line: Line = Line.ANY,
    ) -> Outcome:
        """One call; both timeouts in seconds from now, the connect timeout covering DNS, TCP and TLS.

        `last_look` runs immediately before the first byte is written: False gives the connection back
        and ends as NotSent("released"). Cancelling closes the connection in use.
        """
        terms = Terms(connect_timeout, asyncio.get_running_loop().time() + total_timeout, line)
        outcome = await self._send(request, terms, last_look=last_look)
        if request.plan.redirects and isinstance(outcome, Answered):
            return await self._redirected(request, outcome, terms)
        return outcome

    def adopt(self, egress: EgressPolicy) -> None:
        """Judge by another policy from the next call on; every connection of the old one closes, those
        with a call in the air when it ends."""
        self._pool.close()
        self._pool = Pool(limits=self._limits)
        self._resolver = self._resolver_under(egress)

    async def close(self) -> None:
        """Close what rests; calls in the air end when they are cancelled."""
        self._pool.close()
        await self._resolver.close()

    def _resolver_under(self, egress: EgressPolicy) -> Resolver:
        return Resolver(policy=egress, lookup=self._lookup, keep_seconds=self._limits.names_cached.total_seconds())

    async def _send(self, request: Request, terms: Terms, *, last_look: Callable[[], bool]) -> Outcome:
        """Find or open a connection, look once more, write, and wait for the reply."""
        plan, pool = request.plan, self._pool
        connection = await self._connection(request, terms)
        if isinstance(connection, NotSent):
            return connection
        agent = b"" if plan.brings_agent else self._agent
        message = b"".join((request.head, agent, request.appended, b"\r\n", request.body))
        keep = self._limits.read if plan.success.reads_body else self._limits.stored
        try:
            if not last_look():
                pool.give(connection, origin=plan.origin)
                return NotSent("released", "the last look before the first byte forbade the call")
            reply = await connection.exchange(message, method=plan.method, keep=keep, deadline=terms.deadline)
        except BaseException:
            connection.close()
            raise
        pool.give(connection, origin=plan.origin)
        return reply if isinstance(reply, Unclear) else self._judged(request, reply)

    async def _connection(self, request: Request, terms: Terms) -> Connection | NotSent:
        """Resolve, judge, then a connection at rest or a new one; every failure here is before the first byte."""
        origin, resolver = request.plan.origin, self._resolver
        now = asyncio.get_running_loop().time()
        deadline = min(terms.deadline, now + terms.connect_timeout)
        route = resolver.find(origin, now=now) or await _resolved(resolver, request, deadline=deadline)
        if route.refusal is not None:
            return route.refusal
        if terms.line is Line.ANY:
            resting = self._pool.take(origin, addresses=route.addresses)
            if resting is not None:
                return resting
        opened = await self._dialler.dial(origin, route=route, deadline=deadline)
        if isinstance(opened, Connection):
            resolver.prefer(origin, address=opened.address)
        return opened

    def _judged(self, request: Request, answer: Answer) -> Answered:
        fault = request.plan.success.fault(answer)
        stored = self._limits.stored
        if len(answer.body) > stored:
            answer = Answer(answer.status, answer.headers, answer.body[:stored], truncated=True)
        return Answered(answer, accepted=not fault, message=fault)

    async def _redirected(self, request: Request, outcome: Answered, terms: Terms) -> Outcome:
        """Follow as many hops as the target allows, each judged like a call of its own.

        A hop that cannot be made leaves the redirect as the answer: the first request did arrive.
        """
        for _ in range(request.plan.redirects):
            if outcome.answer.status not in REDIRECTS:
                return outcome
            onward = follow(request, outcome.answer)
            if isinstance(onward, str):
                return replace(outcome, accepted=False, message=onward)
            request = onward
            match await self._send(request, terms, last_look=_always):
                case NotSent(message=message):
                    return replace(outcome, accepted=False, message=f"the redirect failed: {message}")
                case Unclear() as unclear:
                    return unclear
                case Answered() as reached:
                    outcome = reached
        return outcome


async def _resolved(resolver: Resolver, request: Request, *, deadline: float) -> Route:
    origin = request.plan.origin
    try:
        async with asyncio.timeout_at(deadline):
            return await resolver.resolve(origin)
    except TimeoutError:
        late = NotSent("dns_failed", f"{origin.host} could not be resolved within the connect timeout")
        return Route((), 0.0, late)


def _always() -> bool:
    return True
