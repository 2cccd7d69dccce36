"""Breadth first over everything that can happen; then backwards from where all is settled.

The first violation found is one of the shortest. A state from which nothing settles any more, even if nothing else
goes wrong and whoever is frozen stays so, is a violation of its own: somebody waits for ever.
"""

import gc
from array import array
from collections import deque
from dataclasses import dataclass

from model.assumptions import Setup
from model.properties import is_settled, violation
from model.step import STEPS, Move
from model.world import Label, World

UNHELPFUL = frozenset({"thaw", "scheduler_thaws"})
"""Steps that nobody may count on."""

EVERYTHING_ENDS = "everything_ends"


class TooLarge(Exception):
    """The search met more states than it was allowed."""


@dataclass(frozen=True, slots=True)
class Found:
    """`taken`: the names of the steps that were taken. `broken`: the name of a property, or empty. `trace`: (label,
    world) from the start; the first label is empty."""

    setup: Setup
    states: int
    transitions: int
    taken: frozenset[str]
    broken: str = ""
    wrong: str = ""
    trace: tuple[tuple[Label, World], ...] = ()


START: Label = ("", -1, -1, "")


class Search:
    """One search of one setup; `safety` alone does not keep the graph."""

    def __init__(self, setup: Setup, *, limit: int = 400_000) -> None:
        self._setup = setup
        self._limit = limit
        self._moves: list[Move] = [step.moves for step in STEPS.values()]
        self._numbers: dict[World, int] = {}
        self._worlds: list[World] = []
        self._parents = array("l")
        self._labels: list[Label] = []
        self._helpful: list[tuple[int, ...]] = []
        self._transitions = 0
        self._taken: set[str] = set()

    def run(self) -> Found:
        gc.disable()  # a million tuples and no cycle among them
        try:
            return self._run()
        finally:
            gc.enable()

    def _run(self) -> Found:
        start = self._setup.start()
        self._meet(start, -1, START)
        number = 0
        while number < len(self._worlds):
            found = self._expand(number)
            if found is not None:
                return found
            number += 1
        return self._look_for_stuck()

    def _meet(self, world: World, parent: int, label: Label) -> int:
        number = self._numbers.setdefault(world, len(self._worlds))
        if number == len(self._worlds):
            if number >= self._limit:
                raise TooLarge(f"{self._setup.name}: more than {self._limit} states")
            self._worlds.append(world)
            self._parents.append(parent)
            self._labels.append(label)
        return number

    def _expand(self, number: int) -> Found | None:
        setup, before = self._setup, self._worlds[number]
        helpful: list[int] = []
        for moves in self._moves:
            for label, after in moves(setup, before):
                self._transitions += 1
                self._taken.add(label[0])
                name, wrong = violation(setup, before, label, after)
                if name:
                    return self._found(name, wrong, (*self._way_to(number), (label, after)))
                reached = self._meet(after, number, label)
                if after.faults == before.faults and after.wishes == before.wishes and label[0] not in UNHELPFUL:
                    helpful.append(reached)
        self._helpful.append(tuple(helpful))
        return None

    def _look_for_stuck(self) -> Found:
        """Backwards from the settled worlds over the steps that help."""
        before: list[list[int]] = [[] for _ in self._worlds]
        for number, reached in enumerate(self._helpful):
            for other in reached:
                before[other].append(number)
        settles = bytearray(is_settled(self._setup, world) for world in self._worlds)
        ahead = deque(number for number, settled in enumerate(settles) if settled)
        while ahead:
            for number in before[ahead.popleft()]:
                if not settles[number]:
                    settles[number] = 1
                    ahead.append(number)
        stuck = settles.find(0)
        if stuck < 0:
            return self._found("", "", ())
        return self._found(EVERYTHING_ENDS, "from here on nothing can settle any more", self._way_to(stuck))

    def _found(self, broken: str, wrong: str, trace: tuple[tuple[Label, World], ...]) -> Found:
        taken = frozenset(self._taken)
        return Found(self._setup, len(self._worlds), self._transitions, taken, broken, wrong, trace)

    def _way_to(self, number: int) -> tuple[tuple[Label, World], ...]:
        way: list[tuple[Label, World]] = []
        while number >= 0:
            way.append((self._labels[number], self._worlds[number]))
            number = self._parents[number]
        return tuple(reversed(way))
