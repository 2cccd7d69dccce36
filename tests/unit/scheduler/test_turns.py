"""Rounds that one node makes for all: the leader always, the others now and then."""

from dataclasses import dataclass, field

import pytest

from distributedjob.scheduler.turns import LeadersTurn


@dataclass
class Leadership:
    leads: bool


@dataclass
class Round:
    """Says for each pass whether there is more to do."""

    answers: list[bool] = field(default_factory=list)
    name: str = "round"
    passes: int = 0

    async def run_once(self) -> bool:
        self.passes += 1
        return self.answers.pop(0) if self.answers else False


async def made(round_: Round, *, leads: bool, passes: int) -> int:
    turn = LeadersTurn(round_, membership=Leadership(leads), nth=5)
    for _ in range(passes):
        await turn.run_once()
    return round_.passes


async def test_the_leader_makes_every_round() -> None:
    assert await made(Round(), leads=True, passes=7) == 7


async def test_the_others_make_one_now_and_then_whoever_leads() -> None:
    assert await made(Round(), leads=False, passes=14) == 2


async def test_a_round_that_is_not_over_goes_on_at_once() -> None:
    assert await made(Round([True, True, False]), leads=False, passes=9) == 3


async def test_a_round_that_fails_is_not_repeated_out_of_turn() -> None:
    class Failing(Round):
        async def run_once(self) -> bool:
            await super().run_once()
            raise RuntimeError("no")

    round_ = Failing()
    turn = LeadersTurn(round_, membership=Leadership(leads=False), nth=2)
    assert not await turn.run_once()
    with pytest.raises(RuntimeError):
        await turn.run_once()
    assert (await turn.run_once(), round_.passes) == (False, 1)
