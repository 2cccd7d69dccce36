"""Where verbs are carried out: each in one transaction, with news passed on only after its commit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from distributedjob.dispatch.port import Dispatch, News
from distributedjob.model.instant import Instant
from distributedjob.rules.stops import NO_STOPS, Stops
from distributedjob.store.hot.statements import HotStatements
from distributedjob.store.port import Connection, Store
from distributedjob.store.revisions import Revisions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a verb works with. `news` is passed on after the commit, and dropped with a rollback. `stops` are the
    switches as this node last read them."""

    connection: Connection
    hot: HotStatements
    revisions: Revisions
    now: Instant
    new_id: Callable[[], int]
    clock: Callable[[], Instant]
    stops: Stops = NO_STOPS
    news: list[News] = field(default_factory=list)

    def at_present(self) -> "Transaction":
        """The same transaction with the time read again: for what has to be judged after waiting for a lock."""
        return replace(self, now=self.clock())


class StopBoard:
    """The stop switches as this node last read them: a copy that never changes, replaced as a whole."""

    __slots__ = ("present",)

    def __init__(self) -> None:
        self.present: Stops = NO_STOPS


@dataclass(frozen=True, slots=True)
class Desk:
    """Runs verbs. `clock` reads the installation's time; `new_id` is safe in any thread."""

    store: Store
    revisions: Revisions
    dispatch: Dispatch
    clock: Callable[[], Instant]
    new_id: Callable[[], int]
    cluster_key: bytes
    board: StopBoard = field(default_factory=StopBoard)

    async def write(self, verb: Callable[[Transaction], T]) -> T:
        """Carry out `verb` in one transaction and pass its news on. Raises StoreUnavailable."""
        answer, news = await self.store.write(lambda connection: self._carry_out(connection, verb))
        self.dispatch.announce(news)
        return answer

    async def read(self, verb: Callable[[Transaction], T]) -> T:
        """Answer a question; whatever `verb` would write is not allowed."""
        answer, _ = await self.store.read(lambda connection: self._carry_out(connection, verb))
        return answer

    def _carry_out(self, connection: Connection, verb: Callable[[Transaction], T]) -> tuple[T, list[News]]:
        # A retried unit gets a fresh transaction object, so news of a rolled-back run is never passed on.
        transaction = Transaction(
            connection, self.store.hot, self.revisions, self.clock(), self.new_id, self.clock, self.board.present
        )
        return verb(transaction), transaction.news
