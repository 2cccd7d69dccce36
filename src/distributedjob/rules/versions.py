"""Which versions of the program may run side by side: neighbouring minor versions of one major version."""

import re
from dataclasses import dataclass

_NUMBER = "(0|[1-9][0-9]{0,5})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?![0-9])[A-Za-z0-9.+-]{{0,40}}")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Compared by its numbers alone: a pre-release stands beside its release."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse_version(text: str) -> Version:
    """Raises ValueError with a sentence for the user."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text[:64]}' is not a version such as 1.4.0")
    return Version(int(found[1]), int(found[2]), int(found[3]))


def may_run_together(one: Version, other: Version) -> bool:
    """Rows, hints and events written by version N are readable by N-1, and by no older one."""
    return one.major == other.major and abs(one.minor - other.minor) <= 1
