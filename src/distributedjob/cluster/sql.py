"""Membership through the `node` table: one beat a second, from a thread of its own.

A busy event loop must not look like a dead node, so the beat has its own thread and its own connection. The
same pass reads the others' beats, judges them, and samples the database's clock. What etcd knows comes in as a
view, which makes the next beat come at once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from distributedjob.cluster.coroner import Coroner
from distributedjob.cluster.observer import Observer
from distributedjob.cluster.ownership import shards_of
from distributedjob.cluster.port import Census
from distributedjob.cluster.view import NO_VIEW, View, leader_of, owners
from distributedjob.runtime.clock import Clock, Sample, boot_micros
from distributedjob.store import nodes
from distributedjob.store.orders import Wanted
from distributedjob.store.port import BlockingWriter, Connection

INTERVAL = 1.0
FRESH_MICROS = 5_000_000
BEAT_TIMEOUT = 5.0

HANDOVER_SECONDS = 1.2
"""The others see at their next beat that a node left, and then read their new shards."""

HANDOVER_SECONDS_WITH_ETCD = 0.4


@dataclass(frozen=True, slots=True)
class Beat:
    """What one beat brought: the living, and a reading of the reference clock."""

    living: list[nodes.LivingNode]
    sample: Sample


class SqlMembership:
    """The membership of one session. `on_lost` is called when it was declared dead, `on_dead` with the name and the
    session of another that it declared dead.

    All callbacks come from threads of its own.
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
        on_dead: Callable[[str, int], object],
        on_beat: Callable[[], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self.session = session
        self._open_writer = writer
        self._clock = clock
        self._reference = reference
        self._own_all = own_all_shards
        self._on_lost = on_lost
        self._on_dead = on_dead
        self._on_beat = on_beat
        self._on_error = on_error
        self._observer = Observer(session)
        self._coroner = Coroner(writer=writer, now=clock.now, on_dead=self._note_dead, on_error=on_error)
        self._names: dict[int, str] = {}
        self._acknowledged = boot_micros()
        self._view = NO_VIEW
        self._seen: frozenset[int] = frozenset()
        self._owners: tuple[int, ...] = ()
        self._shards: tuple[int, ...] = ()
        self._leads = False
        self._drained = False
        self._census = Census()
        self._listener: Callable[[], object] | None = None
        self._retired = False
        self._leaving = False
        self._stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._live, name="beat", daemon=True)

    @property
    def fresh(self) -> bool:
        return boot_micros() - self._acknowledged <= FRESH_MICROS

    @property
    def shards(self) -> tuple[int, ...] | None:
        return None if self._own_all() and not self._drained else self._shards

    @property
    def leads(self) -> bool:
        return self._leads and not self._leaving

    @property
    def census(self) -> Census:
        return self._census

    @property
    def has_view(self) -> bool:
        """Whether etcd, too, shows who is alive."""
        return self._view.healthy

    @property
    def handover_seconds(self) -> float:
        """How long a scheduler that leaves should go on recording, until the others have its shards; 0 when alone."""
        if not any(owner != self.session for owner in self._owners):
            return 0.0
        return HANDOVER_SECONDS_WITH_ETCD if self._view.healthy else HANDOVER_SECONDS

    def on_shards(self, listener: Callable[[], object]) -> None:
        self._listener = listener

    def note_view(self, view: View) -> None:
        """What etcd shows now; from any thread. Beats and looks at the table at once, so that it counts at once."""
        self._view = view
        self._wake.set()

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """The session gives up its roles, but keeps its shards for the hand-over."""
        self._leaving = True

    def retire(self) -> None:
        """The session is about to be ended by its own node: that is no loss."""
        self._retired = True

    def stop(self) -> None:
        """Beats end last: after the results are written and the session is ended."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=BEAT_TIMEOUT)
        self._coroner.close(timeout=BEAT_TIMEOUT)

    def _live(self) -> None:
        writer = self._open_writer()
        try:
            while self._beat(writer) and not self._stopping:
                self._wake.wait(INTERVAL)
                self._wake.clear()
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
            self._judge(beat)
        except Exception as error:  # noqa: BLE001 - an outage; the next beat tries again
            self._on_error(error)
        return True

    def _unit(self, connection: Connection) -> Beat | None:
        if not nodes.beat(connection, self.session):
            return None
        before = boot_micros()
        reference = self._reference(connection)
        return Beat(nodes.list_living(connection), Sample(reference, before, boot_micros()))

    def _judge(self, beat: Beat) -> None:
        self._clock.observe(beat.sample)
        self._names = {node.session: node.name for node in beat.living}
        self._observer.note(((node.session, node.beat) for node in beat.living), at=self._acknowledged)
        self._share(beat.living)
        self._coroner.declare(self._observer.dead())

    def _note_dead(self, session: int) -> None:
        self._on_dead(self._names.get(session, ""), session)

    def _share(self, living: list[nodes.LivingNode]) -> None:
        """Share the shards among the schedulers that count."""
        view = self._view
        if view.healthy:
            self._seen = (self._seen | view.sessions) & {node.session for node in living}
        schedulers = {node.session for node in living if "scheduler" in node.roles.split(",")}
        live = [session for session in self._observer.live() if session in schedulers]
        self._owners = owners(live, view=view, seen=self._seen, own=self.session)
        leader = leader_of(self._owners, view=view)
        self._leads = leader == self.session
        self._drained = any(node.session == self.session and node.wanted == Wanted.DRAINED for node in living)
        self._census = Census(frozenset(self._observer.live()), self._owners, leader)
        if self._leaving:
            return
        before, self._shards = self._shards, self._shards_of_mine()
        if self._shards != before and self._listener is not None:
            self._listener()

    def _shards_of_mine(self) -> tuple[int, ...]:
        return shards_of(self.session, self._owners) if self.session in self._owners else ()
