"""`queue …`: who serves which queue, and what waits."""

import sys

import typer

from distributedjob.cli.cluster_layouts import QUEUE_COLUMNS, listed_queue
from distributedjob.cli.online import Session, online
from distributedjob.cli.output import Format, print_json, print_rows

app = typer.Typer(name="queue", help="Queues: lanes from the schedulers to some workers.", no_args_is_help=True)


@app.command("list")
@online
def list_queues(session: Session) -> None:
    """Show every queue in use: its workers, what waits in it, and whether nobody serves it."""
    found = session.client.get("/v1/queues")["items"]
    if session.output is Format.JSON:
        print_json(found)
        return
    print_rows([listed_queue(each) for each in found], columns=QUEUE_COLUMNS, nothing="There are no queues.")
    lacking = [each["name"] for each in found if "no_worker" in each["conditions"]]
    if lacking:
        sys.stderr.write(
            f"\nNo living worker serves {', '.join(lacking)}: start one by 'distributedjob node --roles worker "
            f"--queues {','.join(lacking)}', or resume one that is cordoned.\n"
        )
