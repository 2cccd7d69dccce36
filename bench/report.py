"""Figures, each with its target and its floor, and how they are shown and kept."""

import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("figure", "value", "unit", "must hold", "", "floor", "ratio")


class Bound(StrEnum):
    """Which side of the target is good."""

    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Target:
    bound: Bound
    value: float

    def holds(self, value: float) -> bool:
        return value >= self.value if self.bound is Bound.AT_LEAST else value <= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One result. `floor` is the same measure without anything durable, of the same run; `note` is for people."""

    name: str
    value: float
    unit: str
    target: Target | None = None
    floor: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def holds(self) -> bool | None:
        return self.target.holds(self.value) if self.target else None


def at_least(value: float) -> Target:
    return Target(Bound.AT_LEAST, value)


def at_most(value: float) -> Target:
    return Target(Bound.AT_MOST, value)


def save(figures: list[Figure], *, mode: str, seconds: float, busy: float) -> str:
    """Write `latest.json` and `latest.md`; gives the table. `busy` is the load average before the run."""
    commit = commit_measured()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps([_plain(figure, commit) for figure in figures], indent=1) + "\n")
    shown = table(figures)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    heading = f"# Bench, {mode}, commit {commit}"
    ground = f"{at}, {seconds:.0f} s, on {_machine()}; load average before the run {busy:.1f}"
    (RESULTS / "latest.md").write_text(f"{heading}\n\n{ground}\n\n{shown}\n")
    return shown


def table(figures: list[Figure]) -> str:
    """A Markdown table whose columns line up on a terminal."""
    rows = [COLUMNS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, " | ".join("-" * max(width, 3) for width in widths))
    notes = [f"- {figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*(f"| {line} |" for line in lines), "", *notes])


def commit_measured() -> str:
    """The short commit, with a `+` when the sources differ from it."""
    root = Path(__file__).resolve().parents[1]
    commit = _git(root, "rev-parse", "--short", "HEAD").strip()
    return commit + ("+" if _git(root, "status", "--porcelain", "src").strip() else "")


def number(value: float) -> str:
    """Three significant digits; whole numbers in full."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False).stdout


def _plain(figure: Figure, commit: str) -> dict[str, object]:
    target = f"{figure.target.bound} {number(figure.target.value)}" if figure.target else None
    return {
        "name": figure.name,
        "value": _finite(figure.value),
        "unit": figure.unit,
        "target": target,
        "holds": figure.holds,
        "floor": _finite(figure.floor),
        "ratio": _finite(figure.ratio),
        "commit": commit,
        "note": figure.note,
    }


def _finite(value: float | None) -> float | None:
    """JSON knows no infinity: a figure that could not be had is null."""
    return None if value is None or value in (float("inf"), float("-inf")) else round(value, 4)


def _row(figure: Figure) -> tuple[str, ...]:
    verdict = {True: "ok", False: "NO", None: ""}[figure.holds]
    target = f"{figure.target.bound} {number(figure.target.value)}" if figure.target else ""
    floor = "" if figure.floor is None else number(figure.floor)
    ratio = "" if figure.ratio is None else number(figure.ratio)
    return figure.name, number(figure.value), figure.unit, target, verdict, floor, ratio


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "an unknown processor",
    )
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return f"{cores} cores of {model}"
