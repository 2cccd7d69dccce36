"""The composition root: settings in, a running program out, and back down again in order."""

import asyncio
import gc
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import uvicorn
import uvloop

from distributedjob import __version__
from distributedjob.access.access_tokens import AccessTokens
from distributedjob.access.passwords import hash_password
from distributedjob.api.rest.app import create_api, create_probes
from distributedjob.api.rest.dependencies import ApiDependencies, Fault
from distributedjob.api.rest.limits import RequestLimits
from distributedjob.config import Role, Settings, list_unknown_variables
from distributedjob.dispatch.port import TokenRevoked, UserChanged
from distributedjob.egress import egress_of
from distributedjob.model.errors import Conflict, Problem, Unavailable
from distributedjob.node import Node
from distributedjob.resources import Resources, Stopped, open_resources, prepare_folder, until_available
from distributedjob.runtime import crash
from distributedjob.runtime.crew import Crew
from distributedjob.runtime.errors import AlreadyRunning
from distributedjob.runtime.family import AWAY, FATAL, Family
from distributedjob.runtime.mounts import find_network_mount
from distributedjob.services.authentication import Authenticator
from distributedjob.services.levers import LeverName
from distributedjob.services.people import create_first_admin, has_users, is_first_admin
from distributedjob.store.alone import alone
from distributedjob.store.open import parse_url
from distributedjob.store.schema import sqlite_path
from distributedjob.targets.egress import EgressPolicy
from distributedjob.telemetry.events import Events
from distributedjob.telemetry.logs import configure_logging
from distributedjob.worker.replay import replay_journals

SWITCH_SECONDS = 0.0005
"""A thread that returns from the database gets the interpreter this soon, instead of after 5 ms."""

RESOLVER_THREADS = "16"
"""The loop resolves names in threads of its own; four, its default, let a few dead names hold up the others."""

LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")

GENERATIONS = (20_000, 50, 50)
"""Executions make no cycles; collecting as often as the default costs a tenth of the throughput."""


def run_serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; returns 0, or what ended several processes: `FATAL` if they could not run at all.

    Raises Problem with a sentence for the user.
    """
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    if settings.crash_point:
        crash.arm(settings.crash_point)
    sys.setswitchinterval(SWITCH_SECONDS)
    os.environ.setdefault("UV_THREADPOOL_SIZE", RESOLVER_THREADS)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what matters of it is said in the program's own words
    gc.freeze()
    gc.set_threshold(*GENERATIONS)
    gc.enable()
    prepare_folder(settings.data_dir)
    if settings.processes == 1:
        _run_process(settings, Events(), family=settings)
        return 0
    events = Events(node=settings.node_name)
    return Family(partial(_run_child, settings), size=settings.processes, on_death=events.process_died).live()


def _run_child(settings: Settings, number: int) -> int:
    """One of several processes: its own session, name and port, counted up from the first."""
    name = f"{settings.node_name}-{number}"
    port = settings.port + number if settings.port else 0
    own = settings.model_copy(update={"processes": 1, "node_name": name, "port": port})
    try:
        _run_process(own, Events(node=name), family=settings)
    except Problem as problem:
        sys.stderr.write(f"Error: {problem.message}\n")
        return AWAY if isinstance(problem, Unavailable) else FATAL
    return 0


def _run_process(settings: Settings, events: Events, *, family: Settings) -> None:
    """`family` are the settings of all processes together."""
    try:
        with (
            alone(settings.url, data_dir=settings.data_dir),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(_serve(settings, events, family))
    except AlreadyRunning as error:
        raise Conflict(
            f"{error}. SQLite allows one process; stop the other, or choose another --data-dir", code="already_running"
        ) from error


async def _serve(settings: Settings, events: Events, family: Settings) -> None:
    _warn(settings, events)
    started = time.monotonic()
    stop, hurry = asyncio.Event(), asyncio.Event()
    _listen_to_signals(stop, hurry, events=events, drain_seconds=settings.drain_timeout_seconds)
    listener = _listen(settings, events=events)
    available = partial(until_available, events=events, stop=stop)
    with suppress(Stopped):
        async with open_resources(settings, events=events, stop=stop) as resources:
            while not stop.is_set():
                await available(partial(replay_journals, resources.desk, settings.data_dir, events=events))
                egress = egress_of(family, events=events)
                await _live(resources, listener, egress=egress, stop=stop, hurry=hurry, started=started)


def _warn(settings: Settings, events: Events) -> None:
    for name in list_unknown_variables():
        events.unknown_variable(name=name)
    database = sqlite_path(settings.url)
    if database is not None and (kind := find_network_mount(database.parent)):
        events.network_file_system(path=str(database.parent), kind=kind)


async def _live(
    resources: Resources,
    listener: socket.socket,
    *,
    egress: EgressPolicy,
    stop: asyncio.Event,
    hurry: asyncio.Event,
    started: float,
) -> None:
    """One session; a session that was declared dead is followed by a fresh one."""
    settings, events = resources.settings, resources.events
    node = Node(resources, egress=egress)
    await until_available(node.register, events=events, stop=stop)
    if Role.API in settings.roles:
        await _ensure_admin(resources, stop=stop)
    events.starting(
        version=__version__, session=node.session, database=_shown(settings), roles=",".join(sorted(settings.roles))
    )
    async with asyncio.TaskGroup() as group:
        edge = Crew(group)
        server = _server(resources, node, egress)
        # A copy, since the server closes what it is given, and the next session must find the port still open.
        edge.take(server.serve(sockets=[listener.dup()]), name="api")
        announce = partial(_announce, events, listener, started)
        drained = await node.run(stop=stop, hurry=hurry, on_ready=announce)
        server.should_exit = True
    events.stopped(released=drained.released, cut=drained.cut)


def _announce(events: Events, listener: socket.socket, started: float) -> None:
    host, port = listener.getsockname()[:2]
    events.ready(url=f"http://{host}:{port}", seconds=time.monotonic() - started)


def _listen(settings: Settings, *, events: Events) -> socket.socket:
    """Open the port before anything else, so that one in use is known at once."""
    if settings.host not in LOOPBACK_NAMES and Role.API in settings.roles:
        events.relaxed(setting="host", meaning="the API speaks plain HTTP to other machines; put TLS in front of it")
    try:
        return socket.create_server((settings.host, settings.port), backlog=1024)
    except OSError as error:
        cause = str(error.strerror or error).partition(" (while")[0]
        raise Conflict(
            f"cannot listen on {settings.host}:{settings.port}: {cause}; choose another --host or --port",
            code="port_in_use",
        ) from error


def _server(resources: Resources, node: Node, egress: EgressPolicy) -> uvicorn.Server:
    """The API; on a node without that role, what tells an orchestrator how it is, and nothing else."""
    metrics, cache = resources.metrics, resources.cache
    authenticator = Authenticator(
        resources.desk,
        tokens=AccessTokens(resources.token_key),
        cache=cache,
        note=lambda kind, result: metrics.lookups.labels(kind, result).inc(),
    )
    resources.dispatch.listen(UserChanged, authenticator.user_changed)
    resources.dispatch.listen(TokenRevoked, authenticator.token_revoked)
    dependencies = ApiDependencies(
        desk=resources.desk,
        authenticator=authenticator,
        limits=RequestLimits(cache, resources.settings.api_rate, on_refused=metrics.limited.inc),
        readiness=lambda: node.ready,
        metrics=metrics.render,
        egress=egress,
        census=lambda: node.membership.census,
        levers={LeverName.CATCHUP_RATE: resources.settings.catchup_rate},
        on_fault=lambda fault: _log_fault(resources.events, fault),
    )
    create = create_api if Role.API in resources.settings.roles else create_probes
    config = uvicorn.Config(
        create(dependencies),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        ws="none",
    )
    return _Server(config)


class _Server(uvicorn.Server):
    """uvicorn inside our own loop: signals are ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _log_fault(events: Events, fault: Fault) -> None:
    events.request_failed(fault.error, fault_id=fault.id, method=fault.method, path=fault.path)


async def _ensure_admin(resources: Resources, *, stop: asyncio.Event) -> None:
    """The first start makes user `admin`, with a password from the environment or one that is printed once. It is
    read back before: the answer to the commit may be lost, and another node may have been first."""
    desk, given = resources.desk, resources.settings.admin_password
    available = partial(until_available, events=resources.events, stop=stop)
    if await available(partial(desk.read, has_users)):
        return
    password = given.get_secret_value() if given is not None else secrets.token_urlsafe(12)
    hashed = await asyncio.to_thread(hash_password, password)
    await available(partial(desk.write, partial(create_first_admin, password_hash=hashed)))
    in_force = await available(partial(desk.read, partial(is_first_admin, password_hash=hashed)))
    if in_force and given is None:
        print(f"\n  First start. User: admin  Password: {password}\n  It is shown this once only.\n", flush=True)


def _listen_to_signals(stop: asyncio.Event, hurry: asyncio.Event, *, events: Events, drain_seconds: float) -> None:
    """The first signal stops in order; a second one skips the waiting."""

    def receive(name: str) -> None:
        if stop.is_set():
            hurry.set()
        events.stopping(signal=name, drain_seconds=0 if stop.is_set() else drain_seconds)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, receive, signal.Signals(number).name)


def _shown(settings: Settings) -> str:
    """The database without its password."""
    return parse_url(settings.url).render_as_string(hide_password=True)
