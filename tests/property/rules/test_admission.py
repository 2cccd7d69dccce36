"""However executions come, end and wait: never more inside than the limit, and nobody forgotten."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from distributedjob.model.execution import State
from distributedjob.model.policies import Overlap, Policies
from distributedjob.rules.admission import Entry, admit, let_in

policies = st.builds(Policies, overlap=st.sampled_from(Overlap), max_parallel=st.integers(1, 4))
moves = st.lists(st.sampled_from(["come", "end", "visit"]), max_size=60)


class Gate:
    """A gate whose decisions are carried out to the letter."""

    def __init__(self, rule: Policies) -> None:
        self.rule = rule
        self.entries: list[Entry] = []
        self.ended: set[int] = set()
        self.newest = 0

    @property
    def inside(self) -> list[int]:
        return [entry.execution_id for entry in self.entries if not entry.waiting]

    @property
    def waiting(self) -> list[int]:
        return [entry.execution_id for entry in self.entries if entry.waiting]

    def come(self) -> None:
        self.newest += 1
        decided = admit(self.rule, self.entries)
        self.leave(*decided.superseded)
        if decided.state is State.SKIPPED:
            self.ended.add(self.newest)
        else:
            self.entries.append(Entry(self.newest, waiting=decided.state is State.BLOCKED))

    def end(self) -> None:
        self.leave(*self.inside[:1])

    def visit(self) -> None:
        admitted = let_in(self.rule, self.entries)
        self.entries = [replace(e, waiting=e.waiting and e.execution_id not in admitted) for e in self.entries]

    def leave(self, *ids: int) -> None:
        self.ended.update(ids)
        self.entries = [entry for entry in self.entries if entry.execution_id not in ids]


def played(rule: Policies, steps: list[str]) -> Gate:
    gate = Gate(rule)
    for step in steps:
        getattr(gate, step)()
        assert len(gate.inside) <= rule.parallel_limit
    return gate


@given(policies, moves)
def test_never_more_inside_than_the_limit(rule: Policies, steps: list[str]) -> None:
    played(rule, steps)


@given(policies, moves)
def test_everybody_who_came_is_inside_waits_or_has_ended(rule: Policies, steps: list[str]) -> None:
    gate = played(rule, steps)
    assert sorted([*gate.inside, *gate.waiting, *gate.ended]) == list(range(1, gate.newest + 1))


@given(policies, moves)
def test_all_who_wait_get_in_when_those_inside_end(rule: Policies, steps: list[str]) -> None:
    gate = played(rule, steps)
    for _ in range(2 * len(steps) + 2):
        gate.end()
        gate.visit()
    assert gate.entries == []


@given(policies.filter(lambda rule: rule.overlap in (Overlap.WAIT, Overlap.REPLACE)), moves)
def test_at_most_the_newest_waits(rule: Policies, steps: list[str]) -> None:
    assert len(played(rule, steps).waiting) <= 1


@given(policies, moves)
def test_a_visit_leaves_no_room_unused(rule: Policies, steps: list[str]) -> None:
    gate = played(rule, [*steps, "visit"])
    assert not gate.waiting or len(gate.inside) == rule.parallel_limit
