"""`db …`: the schema of the database."""

import asyncio
from typing import Annotated

import typer

from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, load_settings
from distributedjob.cli.output import Format, OutputOption, print_json

app = typer.Typer(name="db", help="The database's schema.", no_args_is_help=True)


@app.command("upgrade")
def upgrade(
    *, data_dir: DataDirOption = None, config: ConfigOption = None, database_url: DatabaseUrlOption = None
) -> None:
    """Bring the schema to what this program needs. On SQLite a copy is made first."""
    from distributedjob.store import schema  # noqa: PLC0415

    settings = load_settings(data_dir=data_dir, config=config, database_url=database_url)
    found = asyncio.run(schema.find_revision(settings.database_url))
