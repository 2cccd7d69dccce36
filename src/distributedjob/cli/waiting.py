"""The options of commands that may wait for an execution to end."""

from typing import Annotated

import typer

WaitOption = Annotated[bool, typer.Option("--wait", "-w", help="Wait for the end; the exit code says how it ended.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", min=0, help="Wait at most so many seconds, then exit code 7.", show_default="no limit"),
]
