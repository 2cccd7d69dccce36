"""`cron …`: what an expression means and when it fires, worked out on this machine, without a server."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distributedjob.cli.output import Format, OutputOption, print_json, print_rows
from distributedjob.model.errors import Invalid
from distributedjob.model.schedule import CronDialect, CronTiming, GapRule, RepeatRule

if TYPE_CHECKING:
    from distributedjob.timing.words import Language

app = typer.Typer(name="cron", help="Try cron expressions before they go into a task.", no_args_is_help=True)

ExpressionArgument = Annotated[
    str, typer.Argument(metavar="EXPRESSION", help="5, 6 or 7 fields in quotes, or a macro such as @hourly.")
]
DialectOption = Annotated[CronDialect, typer.Option(help="How weekday numbers and the day fields are read.")]
ZoneOption = Annotated[
    str | None,
    typer.Option("--time-zone", "--zone", "-z", help="An IANA name, such as Europe/Berlin.", show_default="UTC"),
]
LanguageOption = Annotated[str, typer.Option("--language", "--lang", help="en or zh.")]
