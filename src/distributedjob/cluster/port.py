"""What the parts ask of the cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Census:
    """Who is there, as one node sees it: sessions that beat of late, those that share the shards, and who leads."""

    alive: frozenset[int] = frozenset()
    owners: tuple[int, ...] = ()
    leader: int | None = None


class Membership(Protocol):
    @property
    def session(self) -> int:
        """The id of this process start; every claim and result carries it."""

    @property
    def fresh(self) -> bool:
        """Whether the own last acknowledged beat is at most 5 s old: only then may a call start."""

    @property
    def shards(self) -> tuple[int, ...] | None:
        """The shards this node owns; None means all of them."""

    @property
    def leads(self) -> bool:
        """Whether this node does the single duties: purge, catch-up pacing. Two leaders only do them twice."""

    @property
    def census(self) -> Census:
        """Who else is there."""

    def on_shards(self, listener: Callable[[], object]) -> None:
        """Call `listener`, from another thread, whenever the shards change."""
