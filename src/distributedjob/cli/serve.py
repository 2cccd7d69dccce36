"""`serve`: the scheduler itself."""

import gc
from typing import TYPE_CHECKING, Annotated

import typer

from distributedjob.cli.exit_codes import ExitCode
from distributedjob.cli.local import ConfigOption, DatabaseUrlOption, DataDirOption, read_settings

if TYPE_CHECKING:
    from distributedjob.config import Settings


ProcessesOption = Annotated[
    int | None,
    typer.Option(min=1, help="Full processes on this machine; more than 1 needs MySQL or MariaDB.", show_default="1"),
]
LogFormatOption = Annotated[str | None, typer.Option(help="console or json.", show_default="console")]


def serve(
    *,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(help="Address the API listens on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Its port.", show_default="8080")] = None,
    config: ConfigOption = None,
    database_url: DatabaseUrlOption = None,
    processes: ProcessesOption = None,
    log_format: LogFormatOption = None,
) -> None:
    """Run the scheduler, its workers and the API until SIGTERM or Ctrl-C.

    Every setting can also stand in a YAML file (--config) or in the environment (DISTRIBUTEDJOB_…); flags win over
    the environment, the environment wins over the file.
    """
    settings = read_settings(
        config=config,
        data_dir=data_dir,
        host=host,
        port=port,
        database_url=database_url,
        processes=processes,
        log_format=log_format,
    )
    run(settings)


def run(settings: "Settings") -> None:
    """Run the program to its end; Exit with a code where that was none to be wished."""
    gc.disable()  # a tenth of the start is collecting what the imports just made; run_serve turns it on again
    from distributedjob.app import run_serve  # noqa: PLC0415 - everything; after the settings, whose faults come fast
    from distributedjob.runtime.family import FATAL  # noqa: PLC0415

    code = run_serve(settings)
    if code:
        raise typer.Exit(ExitCode.CONFLICT if code == FATAL else code)
