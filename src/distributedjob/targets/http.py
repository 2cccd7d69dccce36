"""The facade over one call: route, connection, last look, one write, one outcome.

The promise to the worker: nothing is ever sent twice. `NotSent` is returned only when not a byte of
the request left; from the first byte on an outcome is `Answered` or `Unclear`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from distributedjob.model.outcome import Answer, Answered, NotSent, Outcome, Unclear
from distributedjob.targets.connection import Connection
from distributedjob.targets.dial import Dialler
from distributedjob.targets.egress import EgressPolicy
from distributedjob.targets.limits import Limits
from distributedjob.targets.pool import Pool
from distributedjob.targets.redirects import REDIRECTS, follow
from distributedjob.targets.request import Request
from distributedjob.targets.resolve import Lookup, Resolver, system_lookup


class Line(Enum):
    """`ANY` may use a connection that is already open; `FRESH` opens its own (at-most-once calls)."""

    ANY = "any"
    FRESH = "fresh"


class HttpCaller:
    """Calls targets under one egress policy, whose connections no other policy ever shares."""

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
        self._pool = Pool(limits=self._limits)
        self._dialler = Dialler(limits=self._limits)
        self._resolver = self._resolver_for(egress)

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
        now = asyncio.get_running_loop().time()
        times = _Times(connect=connect_timeout, deadline=now + total_timeout)
        connection = self._find_resting(request, now=now) if line is Line.ANY else None
        outcome = await self._send(request, connection, times=times, last_look=last_look)
        if request.plan.redirects and isinstance(outcome, Answered):
            return await self._redirected(request, outcome, times=times)
        return outcome

    async def _send(
        self, request: Request, connection: Connection | None, *, times: "_Times", last_look: Callable[[], bool]
    ) -> Outcome:
        if connection is None:
            opened = await self._open(request, times=times)
            if isinstance(opened, NotSent):
                return opened
            connection = opened
        return await self._exchange(connection, request, deadline=times.deadline, last_look=last_look)

    async def close(self) -> None:
        """Close what rests; calls in the air are ended by cancelling them."""
        self._pool.clear()
        await self._resolver.close()

    def _resolver_for(self, egress: EgressPolicy) -> Resolver:
        return Resolver(policy=egress, lookup=self._lookup, keep_seconds=self._limits.names_cached.total_seconds())

    def _find_resting(self, request: Request, *, now: float) -> Connection | None:
        route = self._resolver.find(request.plan.origin, now=now)
        if route is None:
            return None
        return self._pool.take(request.plan.origin, addresses=route.addresses, now=now)

    async def _redirected(self, request: Request, outcome: Answered, *, times: "_Times") -> Outcome:
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
            connection = self._find_resting(request, now=asyncio.get_running_loop().time())
            reached = await self._send(request, connection, times=times, last_look=_always)
            match reached:
                case NotSent():
                    return replace(outcome, accepted=False, message=f"the redirect failed: {reached.message}")
                case Unclear():
                    return reached
                case Answered():
                    outcome = reached
        return outcome

    async def _open(self, request: Request, *, times: "_Times") -> Connection | NotSent:
        """Resolve, judge and dial; every failure here is before the first byte."""
        origin = request.plan.origin
        now = asyncio.get_running_loop().time()
        deadline = min(times.deadline, now + times.connect)
        route = self._resolver.find(origin, now=now)
        if route is None:
            try:
                async with asyncio.timeout_at(deadline):
                    route = await self._resolver.resolve(origin)
            except TimeoutError:
                return NotSent("dns_failed", f"{origin.host} could not be resolved within the connect timeout")
        if route.refusal is not None:
            return route.refusal
        opened = await self._dialler.dial(origin, route=route, deadline=deadline)
        if isinstance(opened, Connection):
            self._resolver.prefer(origin, address=opened.address)
        return opened

    async def _exchange(
        self, connection: Connection, request: Request, *, deadline: float, last_look: Callable[[], bool]
    ) -> Outcome:
        plan = request.plan
        loop = asyncio.get_running_loop()
        agent = b"" if plan.brings_agent else self._agent
        message = b"".join((request.head, agent, request.appended, b"\r\n", request.body))
        keep = self._limits.read if plan.success.reads_body else self._limits.stored
        try:
            if not last_look():
                self._pool.give(connection, origin=plan.origin, now=loop.time())
                return NotSent("released", "the last look before the first byte forbade the call")
            reply = await connection.exchange(message, method=plan.method, keep=keep, deadline=deadline)
        except BaseException:
            connection.close()
            raise
        self._pool.give(connection, origin=plan.origin, now=loop.time())
        return reply if isinstance(reply, Unclear) else self._judged(request, reply)

    def _judged(self, request: Request, answer: Answer) -> Answered:
        fault = request.plan.success.fault(answer)
        stored = self._limits.stored
        if len(answer.body) > stored:
            answer = Answer(answer.status, answer.headers, answer.body[:stored], truncated=True)
        return Answered(answer, accepted=not fault, message=fault)


@dataclass(frozen=True, slots=True)
class _Times:
    """`connect` in seconds for each connection to be made; `deadline` of the whole call on the loop's clock."""

    connect: float
    deadline: float


def _always() -> bool:
    return True
