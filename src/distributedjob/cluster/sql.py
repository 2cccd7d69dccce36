"""Membership through the `node` table: one beat a second, from a thread of its own.

A busy event loop must not look like a dead node, so the beat has its own thread and its own connection. The
same pass reads the others' beats, judges them, and samples the database's clock.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from distributedjob.cluster.observer import Observer
from distributedjob.cluster.ownership import shards_of
from distributedjob.runtime.clock import Clock, Sample, boot_micros
from distributedjob.store import nodes
from distributedjob.store.port import Connection, Unit

T = TypeVar("T")

INTERVAL = 1.0
FRESH_MICROS = 5_000_000
BEAT_TIMEOUT = 5.0


class BlockingWriter(Protocol):
    """A connection for a thread without an event loop."""

    def write(self, unit: Unit[T], *, timeout: float) -> T: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Beat:
    """What one beat brought: the living, and a reading of the reference clock."""

    living: list[nodes.LivingNode]
    sample: Sample


class SqlMembership:
    """The membership of one session. `on_lost` is called when it was declared dead.

    All callbacks come from the beat's thread.
    """

    def __init__(
        self,
        *,
        session: int,
        writer: Callable[[], BlockingWriter],
        clock: Clock,
        reference: Callable[[Connection], int],
        own_all_shards: Callable[[], bool],
        on_lost: Callable[[], None],
        on_beat: Callable[[], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self.session = session
        self._open_writer = writer
        self._clock = clock
        self._reference = reference
        self._own_all = own_all_shards
        self._on_lost = on_lost
        self._on_beat = on_beat
        self._on_error = on_error
        self._observer = Observer(session)
        self._acknowledged = boot_micros()
        self._shards: tuple[int, ...] = ()
        self._leads = False
        self._retired = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="beat", daemon=True)

    @property
    def fresh(self) -> bool:
        return boot_micros() - self._acknowledged <= FRESH_MICROS

    @property
    def shards(self) -> tuple[int, ...] | None:
        return None if self._own_all() else self._shards

    @property
    def leads(self) -> bool:
        return self._leads

    def start(self) -> None:
        self._thread.start()

    def retire(self) -> None:
        """The session is about to be ended by its own node: that is no loss."""
        self._retired = True

    def stop(self) -> None:
        """Beats end last: after the results are written and the session is ended."""
        self._stop.set()
        self._thread.join(timeout=BEAT_TIMEOUT)

    def _live(self) -> None:
        writer = self._open_writer()
        try:
            while self._beat(writer) and not self._stop.wait(INTERVAL):
                pass
        finally:
            writer.close()

    def _beat(self, writer: BlockingWriter) -> bool:
        """One beat; False when this session is over."""
        asked = boot_micros()
        try:
            beat = writer.write(self._unit, timeout=BEAT_TIMEOUT)
            if beat is None:
                self._acknowledged = 0
                if not self._retired:
                    self._on_lost()
                return False
            self._acknowledged = asked
            self._on_beat()
            self._judge(writer, beat)
        except Exception as error:  # noqa: BLE001 - an outage; the next beat tries again
            self._on_error(error)
        return True

    def _unit(self, connection: Connection) -> Beat | None:
        if not nodes.beat(connection, self.session):
            return None
        before = boot_micros()
        reference = self._reference(connection)
        return Beat(nodes.list_living(connection), Sample(reference, before, boot_micros()))

    def _judge(self, writer: BlockingWriter, beat: Beat) -> None:
        self._clock.observe(beat.sample)
        self._observer.note(((node.session, node.beat) for node in beat.living), at=self._acknowledged)
        schedulers = {node.session for node in beat.living if "scheduler" in node.roles.split(",")}
        live = [session for session in self._observer.live() if session in schedulers]
        self._shards = shards_of(self.session, live) if self.session in live else ()
        self._leads = bool(live) and live[0] == self.session
        for session, seen_beat in self._observer.dead():
            declare = partial(nodes.declare_dead, session=session, seen_beat=seen_beat, now=self._clock.now())
            writer.write(declare, timeout=BEAT_TIMEOUT)
