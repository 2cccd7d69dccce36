"""`doctor`: whether this machine and its settings are fit to serve, and what to do where they are not."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distributedjob.cli.exit_codes import ExitCode
from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, read_settings
from distributedjob.cli.output import Format, OutputOption, cell, make_console, print_json
from distributedjob.model.errors import Invalid

if TYPE_CHECKING:
    from distributedjob.cli.checks import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    *,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(help="As for serve.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="As for serve.", show_default="8080")] = None,
    config: ConfigOption = None,
    database_url: DatabaseUrlOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Check settings, data folder, database, schema, port and limits. Exit code 1 when something must be mended."""
    findings = list(_examine(config, data_dir=data_dir, host=host, port=port, database_url=database_url))
    if output is Format.JSON:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    if any(finding.verdict == "fail" for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _examine(config: Path | None, **flags: Any) -> Iterator["Finding"]:
    """All checks that the settings allow; without settings there is nothing else to look at."""
    from distributedjob.cli import checks  # noqa: PLC0415
    from distributedjob.cli.database_checks import check_database  # noqa: PLC0415
    from distributedjob.store.schema import sqlite_path  # noqa: PLC0415

    yield from checks.check_python()
    try:
        settings = read_settings(config=config, **flags)
    except Invalid as problem:
        for fault in problem.errors:
            advice = "Correct it in the flags, the environment or the file."
            yield checks.Finding("settings", checks.Verdict.FAIL, f"{fault.field}: {fault.message}", advice)
        return
    yield checks.Finding("settings", checks.Verdict.OK, "all known and valid")
    yield from checks.check_data_dir(settings.data_dir)
    if (database := sqlite_path(settings.url)) is not None:
        yield from checks.check_file_system(database.parent)
    connections = settings.processes * (settings.connections + 1)
    yield from asyncio.run(check_database(settings.url, connections=connections))
    yield from checks.check_port(settings.host, settings.port)
    yield from checks.check_open_files()


def _print(findings: list["Finding"]) -> None:
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        mark = f"[{COLOURS[finding.verdict]}]{finding.verdict}[/]"
        table.add_row(mark, finding.check, cell({"text": finding.message}, "text"))
        if finding.advice:
            table.add_row("", "", f"→ {cell({'text': finding.advice}, 'text')}")
    make_console().print(table)
