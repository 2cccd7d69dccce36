"""Commands that work on this machine, on the settings that `serve` would use: their options, and reading them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from distributedjob.config import Settings

DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder of the SQLite file, journals and lock.", show_default="distributedjob-data"
    ),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="A YAML file with settings.")]
DatabaseUrlOption = Annotated[
    str | None,
    typer.Option(
        "--database-url", help="mysql://user:password@host:3306/name.", show_default="SQLite in the data folder"
    ),
]


def read_settings(*, config: Path | None, **flags: Any) -> "Settings":
    """File, then environment, then flags. Raises Invalid that names every wrong setting."""
    from distributedjob.config import load_settings  # noqa: PLC0415 - a fifth of a second

    return load_settings(config=config, **flags)
