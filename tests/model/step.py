"""A step of the model: what happens in words, and the functions of the program whose transaction or decision it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.assumptions import Setup
from model.world import Label, World

Moves = Iterator[tuple[Label, World]]
Move = Callable[[Setup, World], Moves]


@dataclass(frozen=True, slots=True)
class Step:
    """`code` has entries `package.module:function` or `package.module:Class.method`, below `distributedjob`; a step of
    the environment (a crash, a lost answer) has none. `words` may name {who}, {row} and {how}."""

    name: str
    words: str
    code: tuple[str, ...]
    moves: Move


STEPS: dict[str, Step] = {}


def step(words: str, *code: str) -> Callable[[Move], Move]:
    """Register a generator of moves as a step under its own name."""

    def register(moves: Move) -> Move:
        STEPS[moves.__name__] = Step(moves.__name__, words, code, moves)
        return moves

    return register
