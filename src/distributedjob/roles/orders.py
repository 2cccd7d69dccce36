"""What operators want of this node and of the whole cluster: read every second, at once on news, and obeyed.

Orders are by the node's name, so a restart keeps them. Nothing but `resume` or an expiry takes one back.
"""

import asyncio
from collections.abc import Sequence

from distributedjob.model.stop import Stop
from distributedjob.rules.stops import Stops
from distributedjob.services.desk import Desk, Transaction
from distributedjob.store import nodes, orders, stops
from distributedjob.store.nodes import LivingNode
from distributedjob.store.orders import Order, Wanted
from distributedjob.telemetry.events import Events
from distributedjob.worker.worker import Worker

Read = tuple[Order | None, Sequence[Stop], Sequence[LivingNode]]


class Orders:
    """One session's. `drain_seconds`: how long calls in the air may go on after a drain began."""

    name = "orders"

    def __init__(self, *, desk: Desk, events: Events, node_name: str, session: int, drain_seconds: float) -> None:
        self._desk = desk
        self._events = events
        self._node_name = node_name
        self._session = session
        self._drain_seconds = drain_seconds
        self._cut_at: float | None = None
        self._beats: dict[int, int] = {}
        self._order: Order | None = None
        self._worker: Worker | None = None

    @property
    def drained(self) -> bool:
        """Whether this node is to do no work at all."""
        return self._order is not None and self._order.wanted is Wanted.DRAINED

    async def run_once(self) -> bool:
        order, in_force, living = await self._desk.read(self._read)
        self._note_order(order)
        self._note_stops(in_force)
        self._note_namesakes(living)
        if self._worker is not None:
            self._obey(self._worker)
        return False

    def command(self, worker: Worker) -> None:
        """Let the worker obey from its start on."""
        self._worker = worker
        self._obey(worker)

    def _read(self, tx: Transaction) -> Read:
        return (
            orders.find_order(tx.connection, self._node_name),
            stops.list_stops(tx.connection, now=tx.now),
            nodes.list_living(tx.connection),
        )

    def _note_order(self, order: Order | None) -> None:
        if order != self._order:
            self._order = order
            if order is None:
                self._events.order_lifted()
            else:
                self._events.ordered(wanted=order.wanted, reason=order.reason, by=order.ordered_by)

    def _note_stops(self, in_force: Sequence[Stop]) -> None:
        before, now = self._desk.board.present, Stops(in_force)
        if now == before:
            return
        self._desk.board.present = now
        for stop in now:
            if stop not in before:
                self._events.stopped_by_switch(subject=stop.words, reason=stop.reason, by=stop.created_by)
        for subject in {stop.words for stop in before} - {stop.words for stop in now}:
            self._events.stop_lifted(subject=subject)

    def _note_namesakes(self, living: Sequence[LivingNode]) -> None:
        """Another node under our name, and at work: its beat moves. One that was killed may be listed for a while."""
        namesakes = {node.session: node.beat for node in living if self._is_namesake(node)}
        moving = [session for session, beat in namesakes.items() if self._beats.get(session, beat) != beat]
        self._beats = namesakes
        if moving:
            self._events.name_taken(name=self._node_name, session=moving[0])

    def _is_namesake(self, node: LivingNode) -> bool:
        return node.name == self._node_name and node.session != self._session and node.roles != ""

    def _obey(self, worker: Worker) -> None:
        if self._order is None:
            worker.resume()
        else:
            worker.cordon()
        if not self.drained:
            self._cut_at = None
            return
        worker.release_waiting()
        now = asyncio.get_running_loop().time()
        if self._cut_at is None:
            self._cut_at = now + self._drain_seconds
        if now >= self._cut_at:
            worker.cut()
