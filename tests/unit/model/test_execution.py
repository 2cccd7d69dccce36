"""The one table of transitions: what is final stays, what is not has somebody who ends it."""

import pytest

from distributedjob.model.execution import FIRST_TERMINAL, REASONS, TRANSITIONS, Actor, Reason, State, may

OPEN = [state for state in State if not state.terminal]
FINAL = [state for state in State if state.terminal]


@pytest.mark.parametrize("state", FINAL)
def test_what_is_final_stays(state: State) -> None:
    assert [after for before, after in TRANSITIONS if before is state] == []


@pytest.mark.parametrize("state", OPEN)
def test_whatever_is_open_can_end(state: State) -> None:
    assert [after for before, after in TRANSITIONS if before is state and after.terminal] != []


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_reached(state: State) -> None:
    assert [before for before, after in TRANSITIONS if after is state] != []


@pytest.mark.parametrize("state", FINAL)
def test_every_end_has_a_reason(state: State) -> None:
    assert REASONS[state] != frozenset()


def test_every_reason_belongs_to_a_state() -> None:
    assert frozenset[Reason]().union(*REASONS.values()) == frozenset(Reason)


def test_the_numbers_tell_what_is_final() -> None:
    assert {state for state in State if state >= FIRST_TERMINAL} == set(FINAL)


@pytest.mark.parametrize("state", State)
def test_a_word_leads_back_to_its_state(state: State) -> None:
    assert State.of(state.word) is state


@pytest.mark.parametrize(
    ("actor", "before", "after", "allowed"),
    [
        (Actor.WORKER, State.PENDING, State.RUNNING, True),
        (Actor.HOLDER, State.RUNNING, State.SUCCEEDED, True),
        (Actor.RESCUER, State.RUNNING, State.SUCCEEDED, False),
        (Actor.FORMER_HOLDER, State.PENDING, State.SUCCEEDED, True),
        (Actor.API, State.RUNNING, State.CANCELLED, False),
        (Actor.API, State.PENDING, State.CANCELLED, True),
        (Actor.OWNER, State.BLOCKED, State.PENDING, True),
        (Actor.WORKER, State.BLOCKED, State.RUNNING, False),
        (Actor.RECORDER, None, State.MISSED, True),
        (Actor.RECORDER, None, State.SUCCEEDED, False),
    ],
)
def test_who_may_do_what(actor: Actor, before: State | None, after: State, allowed: bool) -> None:
    assert may(actor, before, after) is allowed
