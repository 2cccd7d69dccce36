"""The command `distributedjob`: its groups, and the one place where every failure becomes an exit code."""

import os
import sys
from typing import Annotated

import typer
from typer import _click as click

from distributedjob import __version__
from distributedjob.cli import (
    admin,
    backups,
    cron,
    database,
    doctor,
    executions,
    failures,
    login,
    serve,
    tasks,
    tokens,
)
from distributedjob.cli.exit_codes import ExitCode
from distributedjob.model.errors import Problem
