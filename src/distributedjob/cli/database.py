"""`db …`: the schema of the database."""

import asyncio

import typer

from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, read_settings
from distributedjob.cli.output import Format, OutputOption, print_json

app = typer.Typer(name="db", help="The schema of the database.", no_args_is_help=True)
BACKUPS = "backups"
"""Folder, inside the data folder, of the copies made before an upgrade."""


@app.command("upgrade")
def upgrade_schema(
    *, data_dir: DataDirOption = None, config: ConfigOption = None, database_url: DatabaseUrlOption = None
) -> None:
    """Bring the schema to what this program needs. An SQLite file is copied first; on MySQL older nodes may run."""
    from distributedjob.store import schema  # noqa: PLC0415

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    found = asyncio.run(schema.find_revision(settings.url))
    if found == schema.head():
        typer.echo(f"The schema is {found} already.")
        return
    copy = asyncio.run(schema.upgrade_with_copy(settings.url, backup_dir=settings.data_dir / BACKUPS))
    if copy is not None:
        typer.echo(f"Copied the database to {copy}.", err=True)
    typer.echo(f"Upgraded the schema from {found or 'nothing'} to {schema.head()}.")


@app.command("current")
def show_revision(
    *,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    database_url: DatabaseUrlOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show the revision of the schema, and the one this program needs."""
    from distributedjob.store import schema  # noqa: PLC0415

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    found = asyncio.run(schema.find_revision(settings.url))
    if output is Format.JSON:
        print_json({"current": found, "head": schema.head(), "up_to_date": found == schema.head()})
    else:
        typer.echo(f"{found or 'none'} (this program needs {schema.head()})")
