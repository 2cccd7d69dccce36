"""What a command prints on stdout: a table or a card for people, or JSON for scripts."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Format, typer.Option("--output", "-o", help="Tables for people, or JSON for scripts.")]

Column = tuple[str, str]
"""(heading, path of the value: `schedules.0.expression`)"""

_INSTANT = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\d{3}Z$")
"""People are shown milliseconds; JSON keeps the microseconds."""

STATE_COLOURS = {
    "succeeded": "green",
    "running": "cyan",
    "pending": "blue",
    "blocked": "yellow",
    "failed": "red",
    "timed_out": "red",
    "unknown": "magenta",
    "expired": "yellow",
    "cancelled": "dim",
    "skipped": "dim",
    "missed": "yellow",
    "active": "green",
    "silent": "yellow",
    "leaving": "dim",
    "ended": "dim",
    "dead": "red",
    "absent": "dim",
}


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_warnings(thing: Mapping[str, Any]) -> None:
    """What the server warns of, on stderr."""
    for text in thing.get("warnings") or ():
        sys.stderr.write(f"Warning: {text}\n")


def print_rows(rows: Sequence[Mapping[str, Any]], *, columns: Iterable[Column], nothing: str) -> None:
    """A table with a line per row; the sentence `nothing`, on stderr, when there is none."""
    from rich.table import Table  # noqa: PLC0415 - rich takes longer to load than most commands to run

    if not rows:
        sys.stderr.write(f"{nothing}\n")
        return
    columns = tuple(columns)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, path in columns:
        table.add_column(heading, overflow="fold", no_wrap=path == "id" or path.endswith("_at"))
    for row in rows:
        table.add_row(*(cell(row, path) for _, path in columns))
    make_console().print(table)


def print_card(row: Mapping[str, Any], *, lines: Iterable[Column]) -> None:
    """One thing, a line per property; what it does not have is left out."""
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, path in lines:
        text = cell(row, path)
        if text != "-":
            table.add_row(heading, text)
    make_console().print(table)


def make_console() -> "Console":
    """stdout; piped output is never folded to a guessed width."""
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False, width=None if sys.stdout.isatty() else 500, soft_wrap=False)


def printable(text: str) -> str:
    """Text from elsewhere without control characters, which a terminal would obey."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def cell(row: Mapping[str, Any], path: str) -> str:
    """The value at a dotted path as text for people, safe against markup in it."""
    from rich.markup import escape  # noqa: PLC0415

    value = find_value(row, path)
    if value in (None, "", [], {}):
        return "-"
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list():
            return escape(printable(", ".join(str(part) for part in value)))
        case dict():
            return escape(json.dumps(value, ensure_ascii=False))
    text = escape(printable(_INSTANT.sub(r"\1Z", str(value))))
    colour = STATE_COLOURS.get(text) if path.rsplit(".", maxsplit=1)[-1] == "state" else None
    return f"[{colour}]{text}[/]" if colour else text


def find_value(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value
