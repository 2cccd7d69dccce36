"""Whatever happens, in whatever order, every property holds in every reachable state, and every execution can end."""

from dataclasses import replace
from functools import cache

import pytest

from model.search import Found, Search
from model.setups import SETUPS
from model.step import STEPS
from model.telling import tell

ONLY_IN_VARIANTS = {"pay", "resend", "claim_again"}


@cache
def search(name: str) -> Found:
    return Search(SETUPS[name]).run()


@pytest.mark.parametrize("name", SETUPS)
def test_every_reachable_state_is_safe_and_can_settle(name: str) -> None:
    found = search(name)
    assert found.broken == "", "\n".join(tell(found))


def test_every_step_is_taken_in_some_search() -> None:
    """A step that is never taken is a part of the protocol that nobody has looked at."""
    taken = set().union(*(search(name).taken for name in SETUPS))
    assert STEPS.keys() - taken == ONLY_IN_VARIANTS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hints", "at_least_once", "at_most_once", "lying_clocks"])
def test_three_faults_are_borne_as_well_as_two(name: str) -> None:
    found = Search(replace(SETUPS[name], faults=3), limit=2_000_000).run()
    assert found.broken == "", "\n".join(tell(found))
