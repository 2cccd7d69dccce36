"""`backup` and `restore`: copies of the database while it serves, and the way back from one."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distributedjob.cli.asking import YesOption, confirm
from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, read_settings
from distributedjob.cli.output import Format, OutputOption, print_json
from distributedjob.model.errors import Invalid
from distributedjob.model.instant import Instant, from_rfc3339, to_rfc3339

if TYPE_CHECKING:
    from distributedjob.services.restoring import RestoreRule

BACKUPS = "backups"
BATCH = 500
"""Schedules settled in one transaction."""


def backup(
    target: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to.", show_default="DATA_DIR/backups/…")] = None,
    *,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Copy the SQLite database to a file while the scheduler goes on. MySQL and MariaDB have tools of their own."""
