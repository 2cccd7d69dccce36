"""Singular JSON paths (RFC 9535 without anything that selects more than one value): `$.a.b[0]['c']`.

Wildcards, slices, filters and `..` are refused: a success rule compares one value, and a filter
language would be code from users on the server.
"""

import re
from dataclasses import dataclass

Step = str | int

MAX_STEPS = 64
ALLOWED = "use names and indices only, such as $.items[0].state or $['odd name']"

_STEP = re.compile(
    r"""\.(?P<name>[^\W\d][\w-]*)
      | \[(?P<index>0|-?[1-9][0-9]{0,8})\]
      | \['(?P<single>(?:[^'\\]|\\['\\])*)'\]
      | \["(?P<double>(?:[^"\\]|\\["\\])*)"\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    steps: tuple[Step, ...]

    def find(self, document: object) -> tuple[object, ...]:
        """The one value in a tuple, or nothing where the path leads nowhere."""
        value = document
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(value, dict) or step not in value:
                    return ()
                value = value[step]
            else:
                if not isinstance(value, list) or not -len(value) <= step < len(value):
                    return ()
                value = value[step]
        return (value,)


def parse(text: str) -> JsonPath:
    """Raises ValueError with a sentence that names the place and what is allowed."""
    if not text.startswith("$"):
        raise ValueError(f"'{text}' does not begin with $; {ALLOWED}")
    steps: list[Step] = []
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise ValueError(f"'{text[position : position + 20]}' is not understood in a JSON path; {ALLOWED}")
        steps.append(_step(found))
        position = found.end()
    if len(steps) > MAX_STEPS:
        raise ValueError(f"a JSON path has at most {MAX_STEPS} steps")
    return JsonPath(tuple(steps))


def same_json(left: object, right: object) -> bool:
    """Equality of JSON values: numbers by value, and true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same_json, left, right))
    return left == right


def _step(found: re.Match[str]) -> Step:
    if (index := found["index"]) is not None:
        return int(index)
    if (name := found["name"]) is not None:
        return name
    quoted = found["single"] if found["single"] is not None else found["double"]
    return re.sub(r"\\(.)", r"\1", quoted)
