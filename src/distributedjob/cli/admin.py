"""`admin …`: what is done on this machine, on the database itself, when the API will not let anybody in."""

import asyncio
import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, read_settings
from distributedjob.cli.passwords import PasswordStdinOption, read_new_password

if TYPE_CHECKING:
    from distributedjob.config import Settings

app = typer.Typer(name="admin", help="Repairs on this machine, past the API.", no_args_is_help=True)
RANDOM_BYTES = 15


@app.command("reset-password")
def reset_password(
    username: Annotated[str, typer.Argument(help="Whose password.")] = "admin",
    *,
    generate: Annotated[bool, typer.Option("--generate", help="Make a random password and print it.")] = False,
    password_stdin: PasswordStdinOption = False,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    database_url: DatabaseUrlOption = None,
) -> None:
    """Set a new password. All sessions of that user end; API tokens stay valid."""
    from distributedjob.access.passwords import check_strength  # noqa: PLC0415

    settings = read_settings(config=config, data_dir=data_dir, database_url=database_url)
    if generate:
        password = secrets.token_urlsafe(RANDOM_BYTES)
    else:
        password = read_new_password(f"New password of {username}", from_stdin=password_stdin)
    check_strength(password, field="password", name=username)
    asyncio.run(_reset(settings, username, password))
    typer.echo(f"The password of {username} is changed.", err=True)
    if generate:
        typer.echo(password)


async def _reset(settings: "Settings", username: str, password: str) -> None:
    from distributedjob.access.passwords import hash_password  # noqa: PLC0415
    from distributedjob.cli.desk import open_desk  # noqa: PLC0415
    from distributedjob.services.people import reset_password as reset  # noqa: PLC0415

    hashed = hash_password(password)
    async with open_desk(settings.url) as desk:
        await desk.write(lambda tx: reset(tx, username, password_hash=hashed))
