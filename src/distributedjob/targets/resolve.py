"""From a host to the addresses a call may connect to: resolved once, every answer judged.

One denied answer denies the host: a name that leads both outside and inside is either broken or an
attack. What was judged is what is connected to; the name is not looked up again in between. The
verdict is kept for a short time, so that the hot path neither looks up nor walks networks.
"""

import asyncio
import ipaddress
import math
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from distributedjob.model.outcome import NotSent
from distributedjob.targets.egress import EgressPolicy, denial
from distributedjob.targets.request import Origin

Lookup = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""host and port to numeric addresses; raises OSError."""


@dataclass(frozen=True, slots=True)
class Route:
    """Judged addresses in the order to try them, or why there are none; good until `until` (loop's clock)."""

    addresses: tuple[str, ...]
    until: float
    refusal: NotSent | None = None


async def system_lookup(host: str, port: int) -> tuple[str, ...]:
    """The system's resolver (hosts file, DNS), off the loop's thread; it also reads the odd spellings
    of IPv4 (`0x7f.1`), so that what is judged is what they mean."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in answers))


class Resolver:
    """Routes by authority (host:port) under one policy. Concurrent look-ups of one authority are one.

    A host that spells an address needs no look-up, and its verdict holds as long as the policy.
    """

    def __init__(self, *, policy: EgressPolicy, lookup: Lookup, keep_seconds: float, capacity: int = 16_384) -> None:
        self._policy = policy
        self._lookup = lookup
        self._keep = keep_seconds
        self._capacity = capacity
        self._routes: dict[str, Route] = {}
        self._pending: dict[str, asyncio.Task[Route]] = {}

    def find(self, origin: Origin, *, now: float) -> Route | None:
        """The route if it is known and still good."""
        route = self._routes.get(origin.authority)
        return route if route is not None and route.until > now else None

    async def resolve(self, origin: Origin) -> Route:
        """Look up and judge. Cancelling one waiter leaves the look-up to the others."""
        if spelled := literal(origin.host):
            return self._keep_route(origin, self._judge(origin, spelled, until=math.inf))
        task = self._pending.get(origin.authority)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._resolve(origin))
            self._pending[origin.authority] = task
            task.add_done_callback(lambda _: self._pending.pop(origin.authority, None))
        return await asyncio.shield(task)

    def prefer(self, origin: Origin, *, address: str) -> None:
        """Try this address first from now on: it answered when others may not have."""
        route = self._routes.get(origin.authority)
        if route is not None and address in route.addresses and route.addresses[0] != address:
            rest = tuple(other for other in route.addresses if other != address)
            self._routes[origin.authority] = Route((address, *rest), route.until)

    async def close(self) -> None:
        pending = tuple(self._pending.values())
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _resolve(self, origin: Origin) -> Route:
        addresses = await self._look_up(origin)
        until = asyncio.get_running_loop().time() + self._keep
        return self._keep_route(origin, self._judge(origin, addresses, until=until))

    def _keep_route(self, origin: Origin, route: Route) -> Route:
        if len(self._routes) >= self._capacity:
            self._routes.clear()  # a cache that one look-up per host fills again
        self._routes[origin.authority] = route
        return route

    async def _look_up(self, origin: Origin) -> tuple[str, ...] | NotSent:
        try:
            found = await self._lookup(origin.host, origin.port)
        except (OSError, UnicodeError) as error:
            return NotSent("dns_failed", f"{origin.host} could not be resolved: {_wording(error)}")
        return found or NotSent("dns_failed", f"{origin.host} has no address")

    def _judge(self, origin: Origin, addresses: tuple[str, ...] | NotSent, *, until: float) -> Route:
        if isinstance(addresses, NotSent):
            return Route((), 0.0, addresses)  # a failed look-up is not kept: the next call asks again
        for address in addresses:
            sentence = denial(self._policy, host=origin.host, address=address, port=origin.port)
            if sentence is not None:
                return Route((), until, NotSent("egress_denied", sentence))
        return Route(addresses, until)


def literal(host: str) -> tuple[str, ...]:
    """The address that the host itself spells, in any spelling that the system's resolver reads as numeric."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        return (socket.inet_ntoa(socket.inet_aton(host)),)  # 0x7f.1, 2130706433, 0177.0.0.1, 127.1
    except OSError:
        return ()


def judge_literal(policy: EgressPolicy, *, host: str, port: int) -> NotSent | None:
    """The refusal of a host that spells an address which `policy` denies; names are not looked up."""
    for address in literal(host):
        sentence = denial(policy, host=host, address=address, port=port)
        if sentence is not None:
            return NotSent("egress_denied", sentence)
    return None


def _wording(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
