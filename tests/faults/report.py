"""Says in a few lines what a leg came to, and keeps all of it beside the logs."""

import json
import pickle
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.leg import Outcome
from faults.nemesis import TO_ARM
from rig.checker import judge
from rig.facts import SECOND, Kind, Verdict, Violation

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    verdict: Verdict
    outcome: Outcome
    planned: int

    @classmethod
    def of(cls, name: str, outcome: Outcome, *, planned: int) -> "Report":
        """`planned` is how many faults the leg was to do."""
        return cls(name, judge(outcome.evidence), outcome, planned)

    @property
    def done(self) -> int:
        return sum(fault.detail != TO_ARM for fault in self.outcome.evidence.faults)

    @property
    def is_clean(self) -> bool:
        return not self.verdict.violations and not self.outcome.errors

    @property
    def headline(self) -> str:
        verdict, late = self.verdict, self.verdict.lateness
        return " · ".join(
            (
                f"{self.name}: faults {self.done}/{self.planned}",
                f"due fires {verdict.due}",
                f"lost {verdict.count(Kind.LOST)}",
                f"doubled {verdict.count(Kind.DOUBLED, Kind.UNDUE)}",
                f"repeated calls {verdict.repeated_explained} explained/{verdict.repeated_unexplained} unexplained",
                f"stuck {verdict.count(Kind.STUCK)}",
                f"false success {verdict.count(Kind.FALSE_SUCCESS)}",
                f"lateness p50 {late.p50 / 1000:.1f} ms/p99 {late.p99 / 1000:.0f} ms/max {late.maximum / SECOND:.1f} s",
            )
        )

    def lines(self) -> list[str]:
        """The headline, what was seen, and the first violations of each kind."""
        kinds = Counter(violation.kind for violation in self.verdict.violations)
        harms = Counter(fault.harm for fault in self.outcome.evidence.faults)
        return [
            self.headline,
            (
                f"  done: {_counts(harms)}; calls {self.verdict.calls}; "
                f"replayed from a journal {self.verdict.replayed}; executions {_counts(self.verdict.states)}"
            ),
            *(
                [f"  points not reached in time: {_counts(self.outcome.not_reached)}"]
                if self.outcome.not_reached
                else []
            ),
            *([f"  violations: {_counts(kinds)}"] if kinds else []),
            *(f"    {violation.kind}: {violation.text}" for violation in self._first_of_each_kind()),
            *(f"  error: {error}" for error in self.outcome.errors[:SHOWN]),
        ]

    def write(self, folder: Path) -> None:
        """The figures and every violation as JSON; beside it the evidence, to be looked at by hand."""
        figures = {
            "name": self.name,
            "faults": self.done,
            "faults_planned": self.planned,
            "due_fires": self.verdict.due,
            "calls": self.verdict.calls,
            "executions": self.verdict.states,
            "repeated_explained": self.verdict.repeated_explained,
            "repeated_unexplained": self.verdict.repeated_unexplained,
            "lateness_us": [self.verdict.lateness.p50, self.verdict.lateness.p99, self.verdict.lateness.maximum],
            "replayed": self.verdict.replayed,
            "not_reached": self.outcome.not_reached,
            "violations": [[violation.kind, violation.text] for violation in self.verdict.violations],
            "errors": self.outcome.errors,
            "done": [
                [fault.harm, fault.started_at, fault.ended_at, fault.pid, fault.detail]
                for fault in self.outcome.evidence.faults
            ],
        }
        (folder / "evidence.pickle").write_bytes(pickle.dumps(self.outcome.evidence))
        (folder / "report.json").write_text(json.dumps(figures, indent=1) + "\n")

    def _first_of_each_kind(self) -> list[Violation]:
        shown: Counter[Kind] = Counter()
        first: list[Violation] = []
        for violation in self.verdict.violations:
            shown[violation.kind] += 1
            if shown[violation.kind] <= SHOWN:
                first.append(violation)
        return first


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
