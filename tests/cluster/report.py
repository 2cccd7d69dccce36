"""Says in a few lines what legs came to, and keeps all of it beside the logs. Every figure comes from the books."""

import json
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cluster.field import TO_ARM
from cluster.lateness import (
    CALM,
    answers_without_database,
    bound_of,
    lateness_by_group,
    percentile,
    repeats_after,
    takeovers,
)
from cluster.leg import Leg, Outcome
from cluster.promises import check_promises, growths
from rig.checker import judge
from rig.facts import SECOND, Kind, Violation

SHOWN = 8
LATE_ALLOWANCE = 5.0
"""A leg alone is not refused for lateness below this (seconds) over a bound: others use the machine too."""
MEASURED = (
    ("scheduler killed → next fire late by", 8.0, lambda e: takeovers(e, "scheduler killed")),
    ("scheduler SIGTERM → next fire late by", 1.5, lambda e: takeovers(e, "scheduler stopped")),
    ("worker killed in mid-call → next attempt", 20.0, lambda e: repeats_after(e, ("worker killed", "worker crashed"))),
    ("worker frozen in mid-call → next attempt", 20.0, lambda e: repeats_after(e, ("worker frozen",))),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one leg, or several, came to. Lists are samples in microseconds."""

    name: str
    planned: int = 0
    faults: int = 0
    legs: int = 1
    due: int = 0
    calls: int = 0
    explained: int = 0
    unexplained: int = 0
    seconds: float = 0.0
    load_mean: float = 0.0
    load_most: float = 0.0
    longest_stall: float = 0.0
    changes: int = 0
    answers: int = 0
    kept: int = 0
    """Successes while the database was harmed, and those of them that the books have."""
    states: dict[str, int] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    texts: list[list[str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)
    not_reached: dict[str, int] = field(default_factory=dict)
    lateness: dict[str, list[int]] = field(default_factory=dict)
    measured: dict[str, list[int]] = field(default_factory=dict)
    growth: dict[str, int] = field(default_factory=dict)
    """What the process that grew most had more at its end, by kind."""

    @property
    def is_clean(self) -> bool:
        return not self.violations and not self.errors

    def count(self, *kinds: Kind) -> int:
        return sum(self.violations.get(kind.value, 0) for kind in kinds)


def figures_of(leg: Leg, outcome: Outcome) -> Figures:
    evidence = outcome.evidence
    verdict = judge(evidence)
    lateness = lateness_by_group(evidence)
    violations = [*verdict.violations, *check_promises(evidence), *_late(lateness)]
    done = [fault for fault in evidence.faults if fault.detail != TO_ARM]
    answers, kept = answers_without_database(evidence)
    return Figures(
        name=leg.name,
        planned=leg.planned,
        faults=len(done),
        due=verdict.due,
        calls=verdict.calls,
        explained=verdict.repeated_explained,
        unexplained=verdict.repeated_unexplained,
        seconds=outcome.seconds,
        load_mean=outcome.load[0],
        load_most=outcome.load[1],
        longest_stall=outcome.longest_stall,
        changes=sum(len(plan.phases) for plan in evidence.plans) + len(evidence.runs),
        answers=answers,
        kept=kept,
        states=verdict.states,
        violations=dict(Counter(violation.kind.value for violation in violations)),
        texts=[[violation.kind.value, violation.text] for violation in violations],
        errors=list(outcome.errors),
        groups=dict(Counter(fault.group for fault in done)),
        not_reached=outcome.not_reached,
        lateness=lateness,
        measured={name: measure(evidence) for name, _, measure in MEASURED},
        growth=_most([{growth.what: growth.grew_by} for growth in growths(evidence)]),
    )


def add_up(name: str, parts: Sequence[Figures]) -> Figures:
    """The figures of a campaign from those of its legs."""
    return Figures(
        name=name,
        legs=len(parts),
        load_mean=sum(part.load_mean * part.seconds for part in parts) / max(1.0, sum(part.seconds for part in parts)),
        load_most=max((part.load_most for part in parts), default=0.0),
        longest_stall=max((part.longest_stall for part in parts), default=0.0),
        **{name: sum(getattr(part, name) for part in parts) for name in _SUMS},
        **{name: dict(sum((Counter(getattr(part, name)) for part in parts), Counter())) for name in _COUNTS},
        **{name: _joined([getattr(part, name) for part in parts]) for name in _SAMPLES},
        growth=_most([part.growth for part in parts]),
        texts=[text for part in parts for text in part.texts],
        errors=[error for part in parts for error in part.errors],
    )


_SUMS = ("planned", "faults", "due", "calls", "explained", "unexplained", "changes", "answers", "kept", "seconds")
_COUNTS = ("states", "violations", "groups", "not_reached")
_SAMPLES = ("lateness", "measured")


def _joined(samples: Sequence[Mapping[str, list[int]]]) -> dict[str, list[int]]:
    names = {name for sample in samples for name in sample}
    return {name: [value for sample in samples for value in sample.get(name, ())] for name in sorted(names)}


def _most(growths: Sequence[Mapping[str, int]]) -> dict[str, int]:
    names = {name for growth in growths for name in growth}
    return {name: max(growth.get(name, 0) for growth in growths) for name in sorted(names)}


def headline(figures: Figures) -> str:
    return " · ".join(
        (
            f"{figures.name}: faults {figures.faults}/{figures.planned}",
            f"due fires {figures.due}",
            f"lost {figures.count(Kind.LOST)}",
            f"doubled {figures.count(Kind.DOUBLED, Kind.UNDUE)}",
            f"repeated calls {figures.explained} explained/{figures.unexplained} unexplained",
            f"stuck {figures.count(Kind.STUCK)}",
            f"false success {figures.count(Kind.FALSE_SUCCESS)}",
            "lateness p50/p99/max by fault group below",
        )
    )


def lines_of(figures: Figures) -> list[str]:
    """The headline, what was seen, lateness by group, and the first violations of each kind."""
    others = {kind: count for kind, count in figures.violations.items() if kind not in _IN_HEADLINE}
    return [
        headline(figures),
        (
            f"  {figures.legs} legs in {figures.seconds / 60:.1f} min; calls {figures.calls}; changes and runs by hand "
            f"acknowledged {figures.changes}; executions {_counts(figures.states)}"
        ),
        (
            f"  machine: load average {figures.load_mean:.1f} (highest {figures.load_most:.1f}), "
            f"rig stalled {figures.longest_stall:.1f} s at worst"
        ),
        *([f"  points not reached in time: {_counts(figures.not_reached)}"] if figures.not_reached else []),
        f"  {'fault group':<34}{'faults':>7}{'fires':>8}{'p50':>10}{'p99':>10}{'max':>10}   p99 allowed",
        *(_group_line(figures, group) for group in sorted({*figures.lateness, *figures.groups})),
        *(_measured_line(name, bound, figures.measured.get(name, [])) for name, bound, _ in MEASURED),
        f"  calls that succeeded while the database was away: {figures.answers}; results of these kept: {figures.kept}",
        f"  grown at most within one life: {_counts(figures.growth)}",
        *([f"  other violations: {_counts(others)}"] if others else []),
        *(f"    {kind}: {text}" for kind, text in _first_of_each_kind(figures.texts)),
        *(f"  error: {error}" for error in figures.errors[:SHOWN]),
    ]


_IN_HEADLINE = frozenset({"lost", "doubled", "undue", "stuck", "false_success", "unexplained_call"})


def write(figures: Figures, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(asdict(figures), indent=1) + "\n")
    (folder / "report.md").write_text("```\n" + "\n".join(lines_of(figures)) + "\n```\n")


def keep(outcome: Outcome, folder: Path) -> None:
    """To be looked at by hand, or judged again."""
    (folder / "outcome.pickle").write_bytes(pickle.dumps(outcome))


def read_kept(folder: Path) -> Outcome | None:
    """What `keep` kept; None where nothing is. Of this program's own making, so there is no harm in it."""
    file = folder / "outcome.pickle"
    return pickle.loads(file.read_bytes()) if file.exists() else None


def _late(lateness: Mapping[str, list[int]]) -> list[Violation]:
    found = []
    for group, values in lateness.items():
        late, bound = percentile(values, 0.99) / SECOND, bound_of(group).p99
        if late > bound + LATE_ALLOWANCE:
            text = f"under '{group}' the 99th of a hundred fires came {late:.1f} s late; allowed are {bound:.1f} s"
            found.append(Violation(kind=Kind.LATE, text=text))
    return found


def _group_line(figures: Figures, group: str) -> str:
    values = figures.lateness.get(group, [])
    bound = bound_of(group).p99
    p50, p99, most = (percentile(values, share) / SECOND for share in (0.5, 0.99, 1.0))
    verdict = "" if group == CALM or p99 <= bound else "  over"
    times = f"{p50:>9.3f}s{p99:>9.3f}s{most:>9.3f}s"
    return f"  {group:<34}{figures.groups.get(group, 0):>7}{len(values):>8}{times}   {bound:.1f} s{verdict}"


def _measured_line(name: str, bound: float, values: list[int]) -> str:
    p50, p99, most = (percentile(values, share) / SECOND for share in (0.5, 0.99, 1.0))
    held = "held" if p99 <= bound else "NOT HELD"
    return f"  {name}: p50 {p50:.1f} s/p99 {p99:.1f} s/max {most:.1f} s of {len(values)} (allowed {bound} s: {held})"


def _first_of_each_kind(texts: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    shown: Counter[str] = Counter()
    first = []
    for kind, text in texts:
        shown[kind] += 1
        if shown[kind] <= SHOWN:
            first.append((kind, text))
    return first


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
