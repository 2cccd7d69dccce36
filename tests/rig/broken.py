"""Deliberately broken builds: a patch on a copy of the source, and the leg that must catch what it breaks.

A campaign that finds nothing proves something only if it would have found something. Each patch opens with what it
breaks and two lines for this module:

    Leg: commits on sqlite        (how the campaign calls the leg)
    Caught as: lost, stuck        (any of these kinds will do)
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rig.facts import Kind
from rig.node import SOURCE


class Books(Protocol):
    """What came of a leg."""

    def count(self, *kinds: Kind) -> int:
        """How many violations there are of these kinds."""


class DoesNotApply(Exception):
    """The patch is older than the code; it must be made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenBuild:
    name: str
    patch: Path
    leg: str
    kinds: frozenset[Kind]

    @classmethod
    def read(cls, patch: Path) -> "BrokenBuild":
        """Raises ValueError for a patch whose header names no leg or no kind."""
        text = patch.read_text()
        leg = re.search(r"^Leg: (.+)$", text, re.MULTILINE)
        caught = re.search(r"^Caught as: (.+)$", text, re.MULTILINE)
        if not leg or not caught:
            raise ValueError(f"{patch.name} must say 'Leg: <name>' and 'Caught as: <kind>, …'")
        kinds = frozenset(Kind(word.strip()) for word in caught[1].split(","))
        return cls(name=patch.stem, patch=patch, leg=leg[1].strip(), kinds=kinds)

    def is_caught_by(self, books: Books) -> bool:
        return books.count(*self.kinds) > 0

    def build(self, folder: Path) -> Path:
        """Copy the source into `folder`, break it, and give the folder that holds the package."""
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "src"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        # No fuzz: a hunk that moved still fits, one whose surroundings changed does not. Inside a repository git would
        # take the paths for those of its root, find them outside of `folder`, and leave them alone without a word.
        applied = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", str(self.patch)],
            check=False,
            cwd=folder,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)},
            capture_output=True,
            text=True,
        )
        if applied.returncode != 0 or _is_unchanged(source):
            raise DoesNotApply(f"{self.patch.name}: {applied.stderr.strip()}")
        return source


def read_broken_builds(patches: Path) -> list[BrokenBuild]:
    return [BrokenBuild.read(patch) for patch in sorted(patches.glob("*.patch"))]


def _is_unchanged(source: Path) -> bool:
    return all(_same(SOURCE / path.relative_to(source), path) for path in source.rglob("*.py"))


def _same(original: Path, copy: Path) -> bool:
    return original.exists() and original.read_bytes() == copy.read_bytes()
