"""`{{ name }}` substitution: a closed list of names, no expressions, no code.

A text is cut once into literal pieces and names; rendering looks each name up and encodes the value
for the place it goes to. `{{ '{{' }}` stands for two literal braces.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

import msgspec

from distributedjob.model.instant import SECOND, Instant, to_datetime, to_rfc3339

OPEN, CLOSE = "{{", "}}"
LITERAL_OPEN = "'{{'"
PARAMS = "params."
MAX_PATH = 32

Encode = Callable[[str], str]


class RenderError(Exception):
    """A template cannot be filled for this run; the text is a sentence for the user."""


class RunVariables(NamedTuple):
    """What templates can say about a run. `fire_at` is the nominal fire time, `zone` its schedule's zone.

    A tuple, since one is made for each call and a frozen dataclass takes three times as long (1.5 µs).
    """

    task_id: int
    task_name: str
    execution_id: int
    attempt: int
    fire_at: Instant
    zone: tzinfo
    idempotency_key: str
    params: Mapping[str, object]


NAMES: dict[str, Callable[[RunVariables], str]] = {
    "task.id": lambda run: str(run.task_id),
    "task.name": lambda run: run.task_name,
    "execution.id": lambda run: str(run.execution_id),
    "attempt": lambda run: str(run.attempt),
    "fire_at": lambda run: to_rfc3339(run.fire_at, run.zone),
    "fire_at_utc": lambda run: to_rfc3339(run.fire_at),
    "fire_date": lambda run: to_datetime(run.fire_at, run.zone).date().isoformat(),
    "fire_at_unix": lambda run: str(run.fire_at // SECOND),
    "idempotency_key": lambda run: run.idempotency_key,
}

ALLOWED = f"allowed are {', '.join(NAMES)} and params.NAME"


@dataclass(frozen=True, slots=True)
class Template:
    """`parts` alternate between literals (even places) and names (odd places)."""

    parts: tuple[str, ...]

    @property
    def is_literal(self) -> bool:
        return len(self.parts) == 1

    def render(self, run: RunVariables, *, encode: Encode) -> str:
        """Raises RenderError for a parameter this run does not have."""
        return "".join(encode(value_of(part, run)) if place % 2 else part for place, part in enumerate(self.parts))

    def with_literals(self, encode: Encode) -> "Template":
        """The same template with its literal pieces encoded, which is done once."""
        return Template(tuple(part if place % 2 else encode(part) for place, part in enumerate(self.parts)))


def parse(text: str) -> Template:
    """Raises ValueError for an unknown name or a brace that never closes, with the list of allowed names."""
    parts: list[str] = []
    literal, rest = "", text
    while True:
        before, opened, after = rest.partition(OPEN)
        literal += before
        if not opened:
            return Template((*parts, literal))
        if after.lstrip().startswith(LITERAL_OPEN):
            literal, rest = literal + OPEN, _after_close(after.lstrip()[len(LITERAL_OPEN) :])
            continue
        name, closed, rest = after.partition(CLOSE)
        if not closed:
            raise ValueError("'{{' is never closed by '}}'; write {{ '{{' }} for literal braces")
        parts += [literal, _known(name.strip())]
        literal = ""


def value_of(name: str, run: RunVariables) -> str:
    """The text of one variable. A parameter that is not text appears as compact JSON."""
    known = NAMES.get(name)
    if known is not None:
        return known(run)
    value: object = run.params
    for step in name[len(PARAMS) :].split("."):
        if not isinstance(value, Mapping) or step not in value:
            raise RenderError(f"this run has no parameter '{name[len(PARAMS) :]}', which a template asks for")
        value = value[step]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _known(name: str) -> str:
    if name in NAMES:
        return name
    if name.startswith(PARAMS):
        steps = name.split(".")[1:]
        if len(steps) <= MAX_PATH and all(step and step == step.strip() for step in steps):
            return name
    raise ValueError(f"'{name}' is not known in a template; {ALLOWED}; write {{{{ '{{{{' }}}} for literal braces")


def _after_close(text: str) -> str:
    before, closed, after = text.partition(CLOSE)
    if not closed or before.strip():
        raise ValueError("'{{' is never closed by '}}' after '{{'")
    return after
