"""`cron …`: what an expression means and when it fires, worked out on this machine, without a server."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from distributedjob.cli.output import Format, OutputOption, print_json, print_rows
from distributedjob.model.errors import Invalid
from distributedjob.model.instant import Instant, from_rfc3339, to_rfc3339
from distributedjob.model.schedule import CronDialect, CronTiming, GapRule, RepeatRule, Schedule
from distributedjob.timing.words import Language

app = typer.Typer(name="cron", help="Try cron expressions, without a server.", no_args_is_help=True)

ExpressionArgument = Annotated[
    str, typer.Argument(metavar="EXPRESSION", help="5, 6 or 7 fields in quotes, or a macro such as @hourly.")
]
DialectOption = Annotated[CronDialect, typer.Option(help="How weekday numbers and the two day fields are read.")]
ZoneOption = Annotated[
    str | None, typer.Option("--time-zone", "-z", help="An IANA name, such as Europe/Berlin.", show_default="UTC")
]
LanguageOption = Annotated[Language, typer.Option(help="Of the description.")]

FIRE_COLUMNS = (("LOCAL", "local"), ("UTC", "at"), ("FLAGS", "flags"))
FIELD_COLUMNS = (("FIELD", "name"), ("TEXT", "text"))


@app.command("preview")
def preview_fires(
    expression: ExpressionArgument,
    *,
    time_zone: ZoneOption = None,
    dialect: DialectOption = CronDialect.UNIX,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many fires.")] = 10,
    after: Annotated[str | None, typer.Option(help="From this RFC 3339 instant on.", show_default="now")] = None,
    dst_gap: Annotated[
        GapRule, typer.Option(help="For a fixed time of day that the clocks jump over.")
    ] = GapRule.RUN_AT_TRANSITION,
    dst_repeat: Annotated[
        RepeatRule, typer.Option(help="For a fixed time of day that occurs twice.")
    ] = RepeatRule.FIRST,
    language: LanguageOption = Language.EN,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show the next fires of an expression, in its zone and in UTC, with what is odd about them."""
    from distributedjob.timing.preview import preview  # noqa: PLC0415

    with _inputs_named():
        start = _now() if after is None else _instant(after)
        timing = _timing(expression, time_zone, dialect, dst_gap=dst_gap, dst_repeat=dst_repeat)
        shown = preview(Schedule(id=0, timing=timing, seed=0), after=start, count=count, language=language)
    fires = [
        {"at": to_rfc3339(fire.at), "local": fire.local_text, "flags": [str(flag) for flag in fire.flags]}
        for fire in shown.fires
    ]
    if output is Format.JSON:
        print_json({"fires": fires, "description": shown.description, "warnings": list(shown.warnings)})
        return
    typer.echo(f"{shown.description}\n")
    print_rows(fires, columns=FIRE_COLUMNS, nothing="It never fires after that.")
    _warn(shown.warnings)


@app.command("explain")
def explain_expression(
    expression: ExpressionArgument,
    *,
    time_zone: ZoneOption = None,
    dialect: DialectOption = CronDialect.UNIX,
    language: LanguageOption = Language.EN,
    output: OutputOption = Format.TABLE,
) -> None:
    """Say in words what an expression means, field by field."""
    from distributedjob.timing.cron import parse_cron  # noqa: PLC0415
    from distributedjob.timing.preview import preview  # noqa: PLC0415

    with _inputs_named():
        timing = _timing(expression, time_zone, dialect)
        parsed = parse_cron(timing.expression, dialect=dialect)
        shown = preview(Schedule(id=0, timing=timing, seed=0), after=_now(), count=1, language=language)
    fields = [{"name": field.kind.name, "text": field.text} for field in parsed.fields]
    if output is Format.JSON:
        print_json({"description": shown.description, "fields": fields, "warnings": list(shown.warnings)})
        return
    typer.echo(f"{shown.description}\n")
    print_rows(fields, columns=FIELD_COLUMNS, nothing="")
    _warn(shown.warnings)


def _timing(
    expression: str,
    time_zone: str | None,
    dialect: CronDialect,
    *,
    dst_gap: GapRule = GapRule.RUN_AT_TRANSITION,
    dst_repeat: RepeatRule = RepeatRule.FIRST,
) -> CronTiming:
    """A zone in front of the expression (`CRON_TZ=…`) counts unless a flag names another."""
    from distributedjob.timing.cron import split_zone_prefix  # noqa: PLC0415
    from distributedjob.timing.zones import get_zone  # noqa: PLC0415

    prefix, fields = split_zone_prefix(expression)
    zone = time_zone or prefix or "UTC"
    get_zone(zone)
    return CronTiming(fields, dialect=dialect, time_zone=zone, dst_gap=dst_gap, dst_repeat=dst_repeat)


@contextmanager
def _inputs_named() -> Iterator[None]:
    """Faults of the timing package, named by the option they came from."""
    from distributedjob.timing.fields import CronError  # noqa: PLC0415
    from distributedjob.timing.zones import ZoneError  # noqa: PLC0415

    try:
        yield
    except CronError as error:
        raise Invalid.one("expression", str(error)) from error
    except ZoneError as error:
        raise Invalid.one("time zone", str(error)) from error


def _instant(text: str) -> Instant:
    try:
        return from_rfc3339(text)
    except ValueError as error:
        raise Invalid.one("--after", str(error)) from error


def _now() -> Instant:
    return time.time_ns() // 1_000


def _warn(warnings: tuple[str, ...]) -> None:
    if warnings:
        sys.stdout.flush()
        typer.echo("", err=True)
    for warning in warnings:
        typer.echo(f"Warning: {warning}", err=True)
