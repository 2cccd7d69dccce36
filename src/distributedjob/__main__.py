"""`python -m distributedjob` is the command `distributedjob`."""

from distributedjob.cli.main import run

run()
