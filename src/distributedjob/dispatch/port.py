"""What parts tell each other after a commit. Every message may be lost: a poll finds the same a second later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from distributedjob.model.execution import Hint
from distributedjob.model.instant import Instant


@dataclass(frozen=True, slots=True)
class CursorMoved:
    """A schedule was created, changed or resumed: its owner need not wait for its next read."""

    schedule_id: int
    next_fire_at: Instant


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A running execution should stop."""

    execution_id: int


@dataclass(frozen=True, slots=True)
class RoomMade:
    """Executions of these tasks ended, which may have kept others waiting: gates and `from: end` intervals look
    again."""

    task_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class OrdersChanged:
    """An operator gave or lifted an order or a stop switch: nodes read them anew."""


@dataclass(frozen=True, slots=True)
class UserChanged:
    """A user's password, status or sessions changed: what is remembered of this user is void."""

    user_id: int


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """An API token, named by the digest of its text, is void."""

    digest: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What other nodes did, for the owners of the shards concerned: cursors moved, the earliest to `cursor_at`, and
    executions of these tasks ended."""

    cursor_at: Instant | None
    task_ids: frozenset[int]


News = Hint | CursorMoved | CancelAsked | RoomMade | OrdersChanged | UserChanged | TokenRevoked | Elsewhere


class Dispatch(Protocol):
    def announce(self, news: Sequence[News]) -> None:
        """Pass news on; never blocks, never fails, may lose."""


class Carrier(Protocol):
    """Takes news to the other nodes: hints through a broker, the rest through a channel."""

    def carry(self, news: Sequence[News]) -> None:
        """Take those kinds of news that this carrier is for; never blocks, never fails, may lose."""
