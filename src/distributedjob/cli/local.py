"""Commands that work on this machine, on the settings that `serve` would use: their options, and reading them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from distributedjob.model.errors import FieldError, Invalid

if TYPE_CHECKING:
    from pydantic import ValidationError

    from distributedjob.config import Settings

PREFIX = "DISTRIBUTEDJOB_"

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
    import yaml  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    from distributedjob.config import load_settings  # noqa: PLC0415 - a fifth of a second

    if config is not None and not config.is_file():
        raise Invalid.one("config", f"there is no file {config}")
    try:
        return load_settings(config=config, **flags)
    except ValidationError as error:
        raise _named(error, config) from None
    except (yaml.YAMLError, OSError, ValueError, TypeError) as error:
        raise Invalid.one("config", f"{config} cannot be read as settings: {error}") from None


def _named(error: "ValidationError", config: Path | None) -> Invalid:
    """A wrong value is never repeated: it may be a password."""
    faults = tuple(FieldError(_place(fault["loc"]), _message(fault)) for fault in error.errors(include_url=False))
    source = f" (flags, {PREFIX}… or {config})" if config else f" (flags or {PREFIX}…)"
    return Invalid(f"the settings are not valid{source}", errors=faults)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "settings"


def _message(fault: Any) -> str:
    text = str(fault["msg"]).removeprefix("Value error, ")
    return "there is no such setting" if fault["type"] == "extra_forbidden" else text
