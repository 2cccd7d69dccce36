"""A trouble: one thing that goes wrong, until it is over and everybody is back."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass

from cluster.field import Field
from cluster.shape import Shape


class Trouble(ABC):
    """Subclasses are frozen dataclasses, so that a plan can be compared and printed."""

    @property
    @abstractmethod
    def group(self) -> str:
        """What it is measured as; the words of the report."""

    @property
    @abstractmethod
    def seconds(self) -> float:
        """About how long it takes, the return of everybody included."""

    @property
    def count(self) -> int:
        """How many faults it is."""
        return 1

    def fits(self, shape: Shape) -> bool:
        """Whether there is in this cluster what it harms."""
        return True

    @abstractmethod
    async def strike(self, field: Field) -> None:
        """Do it, undo it, wait until everybody is back, and write it down."""


@dataclass(frozen=True, slots=True)
class Both(Trouble):
    """Two at once, the second a little later."""

    first: Trouble
    second: Trouble
    apart_seconds: float = 0.5

    @property
    def group(self) -> str:
        return f"{self.first.group} and {self.second.group}"

    @property
    def seconds(self) -> float:
        return max(self.first.seconds, self.second.seconds) + self.apart_seconds

    @property
    def count(self) -> int:
        return self.first.count + self.second.count

    def fits(self, shape: Shape) -> bool:
        return self.first.fits(shape) and self.second.fits(shape)

    async def strike(self, field: Field) -> None:
        with field.as_pair():
            async with asyncio.TaskGroup() as group:
                group.create_task(self.first.strike(field))
                await asyncio.sleep(self.apart_seconds)
                group.create_task(self.second.strike(field))
