"""Opening a connection: TCP to a judged address, then TLS under the target's name.

The two steps are apart so that a failure is named for what it is, and so that the name is never
looked up again: the socket goes to the address, while SNI and the certificate check keep the host.
"""

import asyncio
import functools
import os
import socket
import ssl

from distributedjob.model.outcome import NotSent
from distributedjob.model.target import Tls
from distributedjob.targets.connection import Connection
from distributedjob.targets.deadlines import Deadlines
from distributedjob.targets.limits import Limits
from distributedjob.targets.request import Origin, tls_identity
from distributedjob.targets.resolve import Route


class Dialler:
    """Opens connections; keeps one TLS context per identity, since making one reads the trust store."""

    def __init__(self, *, limits: Limits, contexts: int = 256) -> None:
        self._limits = limits
        self._deadlines = Deadlines()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._capacity = contexts

    async def dial(self, origin: Origin, *, route: Route, deadline: float) -> Connection | NotSent:
        """Try the addresses in turn, each with an equal part of the time left until `deadline`."""
        outcome = NotSent("connect_failed", f"{origin.host} has no address to connect to")
        loop = asyncio.get_running_loop()
        for position, address in enumerate(route.addresses):
            remaining = max(deadline - loop.time(), 0.0)
            share = loop.time() + remaining / (len(route.addresses) - position)
            opened = await self._dial_one(origin, address=address, deadline=share)
            if isinstance(opened, Connection):
                return opened
            outcome = opened
        return outcome

    async def _dial_one(self, origin: Origin, *, address: str, deadline: float) -> Connection | NotSent:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._open(origin, address=address)
        except TimeoutError:
            return NotSent("connect_timeout", f"no connection to {origin.host} ({address}) within the connect timeout")

    async def _open(self, origin: Origin, *, address: str) -> Connection | NotSent:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        loop = asyncio.get_running_loop()
        sock: socket.socket | None = None
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            await loop.sock_connect(sock, (address, origin.port))
            return await self._attach(origin, sock=sock, address=address)
        except (ssl.SSLError, ValueError) as error:
            outcome = NotSent("tls_failed", f"TLS with {origin.host} failed: {_tls_wording(error)}")
        except OSError as error:
            outcome = NotSent("connect_failed", f"could not connect to {origin.host} ({address}): {_wording(error)}")
        except BaseException:
            _discard(sock)
            raise
        _discard(sock)
        return outcome

    async def _attach(self, origin: Origin, *, sock: socket.socket, address: str) -> Connection | NotSent:
        loop = asyncio.get_running_loop()
        connection = Connection(loop=loop, sock=sock, address=address, limits=self._limits, deadlines=self._deadlines)
        if origin.scheme == "http":
            await loop.create_connection(lambda: connection, sock=sock)
            return connection
        context = await self._context(origin.tls)
        try:
            await loop.create_connection(
                lambda: connection, sock=sock, ssl=context, server_hostname=origin.host.rstrip(".")
            )
        except ConnectionError as error:
            return NotSent("tls_failed", f"{origin.host} closed the connection during the TLS handshake: {error}")
        return connection

    async def _context(self, tls: Tls) -> ssl.SSLContext:
        identity = tls_identity(tls)
        context = self._contexts.get(identity)
        if context is None:
            make = functools.partial(make_context, tls)
            context = await asyncio.get_running_loop().run_in_executor(None, make)
            if len(self._contexts) >= self._capacity:
                self._contexts.clear()
            self._contexts[identity] = context
        return context


def make_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or later; the target's own authorities replace the system's.

    Raises ssl.SSLError or ValueError on a broken PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls.ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _discard(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()


def _wording(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__


def _tls_wording(error: ssl.SSLError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return str(getattr(error, "reason", None) or error)
