"""`backup` and `restore`: a copy of the database while it serves, and the way back from one."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distributedjob.cli.asking import YesOption, confirm
from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, read_settings
from distributedjob.cli.output import Format, OutputOption, print_json
from distributedjob.model.errors import Conflict, Invalid
from distributedjob.model.instant import Instant, from_rfc3339

if TYPE_CHECKING:
    from distributedjob.config import Settings

BACKUPS = "backups"
BATCH = 500
"""Schedules settled in one transaction."""


def backup(
    target: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A new file.", show_default="one in DATA_DIR/backups")
    ] = None,
    *,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    database_url: DatabaseUrlOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Copy the SQLite database to a file, while the scheduler goes on."""
    from distributedjob.store.backup import back_up, copy_database  # noqa: PLC0415

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    database = _sqlite_file(settings, advice="use mariadb-backup, mysqldump --single-transaction or a snapshot")
    if target is None:
        copy = back_up(database, into=settings.data_dir / BACKUPS)
    else:
        copy = copy_database(database, target=target)
    if output is Format.JSON:
        print_json({"file": str(copy.resolve()), "bytes": copy.stat().st_size})
    else:
        typer.echo(f"Copied {database} to {copy} ({copy.stat().st_size} bytes).")


def restore(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="missed|latest",
            help="What becomes of the fires before then: all are missed, or the newest of each schedule runs.",
        ),
    ],
    *,
    fires_before: Annotated[str, typer.Option("--fires-before", help="now, or an RFC 3339 instant.")],
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="First put this copy in the place of the SQLite file.")
    ] = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    database_url: DatabaseUrlOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """After a restored backup, decide the fires between the backup and now. Run it before 'serve' is started again.

    On SQLite, --from FILE also puts the copy back; the former database stays beside it. On MySQL and MariaDB,
    restore the database by its own tools first.
    """
    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    before = _instant(fires_before)
    if rule not in ("missed", "latest"):
        raise Invalid.one("rule", f"'{rule}' is neither missed nor latest")
    with _alone(settings):
        if source is not None:
            _put_back(settings, source, yes=yes)
        totals = asyncio.run(_settle(settings, rule, before))
    if output is Format.JSON:
        print_json({"schedules": totals["schedules"], "missed": totals["missed"], "executions": totals["runs"]})
        return
    typer.echo(
        f"{totals['schedules']} schedules had fires before {fires_before}: {totals['missed']} fires are missed, "
        f"{totals['runs']} will run."
    )


def _put_back(settings: "Settings", source: Path, *, yes: bool) -> None:
    from distributedjob.store import schema  # noqa: PLC0415
    from distributedjob.store.backup import check_copy  # noqa: PLC0415
    from distributedjob.store.backup import restore as put_back  # noqa: PLC0415

    database = _sqlite_file(settings, advice="restore it by its own tools, then run this without --from")
    check_copy(source)
    schema.refuse_newer(asyncio.run(schema.find_revision(f"sqlite:///{source}")))
    confirm(f"Replace {database} by {source}?", yes=yes)
    former = put_back(source, database=database)
    if former is not None:
        typer.echo(f"The former database is {former}.", err=True)
    asyncio.run(schema.upgrade(settings.url))


async def _settle(settings: "Settings", rule: str, before: Instant | None) -> Counter[str]:
    """Batch after batch, until no schedule has a fire before the instant."""
    from distributedjob.cli.desk import open_desk  # noqa: PLC0415
    from distributedjob.services.restoring import RestoreRule, begin, list_unsettled, settle_fires  # noqa: PLC0415

    totals: Counter[str] = Counter(schedules=0, missed=0, runs=0)
    async with open_desk(settings.url) as desk:
        await desk.write(begin)
        until = min(before or desk.clock(), desk.clock())
        while ids := await desk.read(lambda tx: list_unsettled(tx, before=until, limit=BATCH)):
            settle = partial(settle_fires, schedule_ids=ids, before=until, rule=RestoreRule(rule))
            done = await desk.write(settle)
            totals.update(schedules=len(done.cursors), missed=done.missed, runs=done.executions - done.ranges)
    return totals


@contextmanager
def _alone(settings: "Settings") -> Iterator[None]:
    """On SQLite, keep `serve` out; it would record the fires by their own rules."""
    from distributedjob.runtime.errors import AlreadyRunning  # noqa: PLC0415
    from distributedjob.store.alone import alone  # noqa: PLC0415

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with alone(settings.url, data_dir=settings.data_dir):
            yield
    except AlreadyRunning as error:
        raise Conflict(f"{error}. Stop it first, then restore", code="already_running") from error


def _sqlite_file(settings: "Settings", *, advice: str) -> Path:
    from distributedjob.store.schema import sqlite_path  # noqa: PLC0415

    path = sqlite_path(settings.url)
    if path is None:
        raise Invalid.one("database_url", f"this is not SQLite; {advice}")
    return path


def _instant(text: str) -> Instant | None:
    """None: now, as the database's clock says."""
    if text == "now":
        return None
    try:
        return from_rfc3339(text)
    except ValueError as error:
        raise Invalid.one("--fires-before", f"{error}, nor 'now'") from error
