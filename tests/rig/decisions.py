"""Invariants of recording: each due fire has exactly one decision, nothing else was decided, and everything ends."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from rig.facts import MISSED, Chain, Due, Evidence, Kind, Plan, Row, Violation

EXACT_UP_TO = 10_000
"""A missed range counts exactly up to here."""
EXACT = 50_000
"""Two clocks of one machine differ by less, in µs."""


def check_decisions(evidence: Evidence) -> Iterator[Violation]:
    by_source: defaultdict[int, list[Row]] = defaultdict(list)
    for row in evidence.rows:
        by_source[row.source_id].append(row)
    for plan in evidence.plans:
        for due in plan.due:
            yield from _check_schedule(plan, due, by_source[due.source_id])
        for chain in plan.chains:
            yield from _check_chain(plan, chain, by_source[chain.source_id])
    yield from _check_keys(evidence.rows)


def check_ends(evidence: Evidence) -> Iterator[Violation]:
    """After quiescence nothing may be left that somebody still has to end."""
    for row in evidence.rows:
        if not row.terminal:
            text = f"execution {row.id} of task {row.task_id} is still {row.word} ({row.reason}), attempt {row.attempt}"
            yield Violation(kind=Kind.STUCK, text=text)
    for sentence in evidence.leftovers:
        yield Violation(kind=Kind.STUCK, text=sentence)


def _check_schedule(plan: Plan, due: Due, rows: list[Row]) -> Iterator[Violation]:
    single = Counter(row.fire_at for row in rows if row.state != MISSED)
    ranges = [row for row in rows if row.state == MISSED]
    for fire_at in sorted(due.possible | due.certain):
        decisions = single[fire_at] + sum(_covers(row, fire_at) for row in ranges)
        if decisions == 0 and fire_at in due.certain:
            yield Violation(kind=Kind.LOST, text=f"the fire of {plan.name} at {fire_at} has no decision")
        if decisions > 1:
            yield Violation(kind=Kind.DOUBLED, text=f"the fire of {plan.name} at {fire_at} has {decisions} decisions")
    for fire_at in single.keys() - due.possible - due.certain:
        yield Violation(kind=Kind.UNDUE, text=f"{plan.name} was not due at {fire_at}, but it was recorded")
    for row in ranges:
        yield from _check_range(plan, due, row)


def _check_range(plan: Plan, due: Due, row: Row) -> Iterator[Violation]:
    at_least = sum(_covers(row, fire_at) for fire_at in due.certain)
    at_most = sum(_covers(row, fire_at) for fire_at in due.possible | due.certain)
    if row.range_count is None or row.range_count > EXACT_UP_TO or at_least <= row.range_count <= at_most:
        return
    kind = Kind.LOST if row.range_count < at_least else Kind.UNDUE
    text = f"a missed range of {plan.name} from {row.fire_at} counts {row.range_count} fires; due were {at_least}"
    yield Violation(kind=kind, text=text)


def _covers(row: Row, fire_at: int) -> bool:
    return row.fire_at <= fire_at <= (row.range_end if row.range_end is not None else row.fire_at)


def _check_chain(plan: Plan, chain: Chain, rows: list[Row]) -> Iterator[Violation]:
    """Each fire is one interval after the end of the execution before it, and the last one leaves none due."""
    ordered = sorted((row for row in rows if row.ended_at is not None), key=lambda row: row.fire_at)
    for earlier, later in pairwise(ordered):
        expected = _ended(earlier) + chain.every
        if abs(later.fire_at - expected) > EXACT:
            text = f"{plan.name} fired at {later.fire_at}; {earlier.id} ended so that it was due at {expected}"
            yield Violation(kind=Kind.UNDUE, text=text)
    following = _ended(ordered[-1]) + chain.every if ordered else None
    if following is None or following < chain.until - EXACT:
        yield Violation(kind=Kind.LOST, text=f"{plan.name} was due at {following} and never fired again")


def _ended(row: Row) -> int:
    assert row.ended_at is not None
    return row.ended_at


def _check_keys(rows: tuple[Row, ...]) -> Iterator[Violation]:
    keys = Counter((row.task_id, row.fire_at, row.source_id) for row in rows)
    for (task_id, fire_at, source_id), count in keys.items():
        if count > 1:
            text = f"{count} rows for task {task_id}, fire {fire_at}, source {source_id}"
            yield Violation(kind=Kind.DOUBLED, text=text)
