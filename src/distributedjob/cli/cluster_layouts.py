"""Nodes, queues, stop switches and levers as people are shown them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import typer

from distributedjob.cli.output import print_card, print_rows, print_warnings

NODE_COLUMNS = (
    ("NODE", "name"),
    ("STATE", "state"),
    ("ROLES", "roles"),
    ("LEADS", "leads"),
    ("SHARDS", "share"),
    ("QUEUES", "queues"),
    ("RUNNING", "load"),
    ("LABELS", "tags"),
    ("VERSION", "version"),
    ("STARTED AT", "started_at"),
    ("ORDER", "command"),
)
SHARD_COLUMNS = (("SHARDS OF", "name"), ("NUMBERS", "ranges"))
NODE_CARD = (
    ("Node", "name"),
    ("State", "state"),
    ("Session", "session"),
    ("Version", "version"),
    ("Roles", "roles"),
    ("Queues", "queues"),
    ("Labels", "tags"),
    ("Running", "load"),
    ("Leads", "leads"),
    ("Shards", "ranges"),
    ("Started at", "started_at"),
    ("Ended at", "ended_at"),
    ("Order", "order.wanted"),
    ("Reason", "order.reason"),
    ("Ordered by", "order.ordered_by"),
    ("Ordered at", "order.ordered_at"),
)
QUEUE_COLUMNS = (
    ("QUEUE", "name"),
    ("WORKERS", "workers"),
    ("SLOTS", "slots"),
    ("TASKS", "tasks"),
    ("PENDING", "pending"),
    ("OLDEST", "oldest"),
    ("CONDITION", "conditions"),
)
STOP_COLUMNS = (
    ("STOPPED", "scope"),
    ("SUBJECT", "subject"),
    ("REASON", "reason"),
    ("BY", "created_by"),
    ("SINCE", "created_at"),
    ("UNTIL", "expires_at"),
    ("ID", "id"),
)
LEVER_COLUMNS = (
    ("LEVER", "name"),
    ("VALUE", "value"),
    ("DEFAULT", "default"),
    ("CHANGED BY", "changed_by"),
    ("CHANGED AT", "changed_at"),
)


def print_nodes(nodes: Sequence[Mapping[str, Any]]) -> None:
    """The nodes, then where the shards are, then what there is to warn of."""
    rows = [listed_node(node) for node in nodes]
    print_rows(rows, columns=NODE_COLUMNS, nothing="There are no such nodes.")
    owners = [row for row in rows if row["shards"]]
    if len(owners) > 1:
        typer.echo()
        print_rows(owners, columns=SHARD_COLUMNS, nothing="")
    for name, warning in dict.fromkeys((node["name"], text) for node in nodes for text in node["warnings"]):
        sys.stderr.write(f"\nWarning: {name}: {warning}\n")


def print_node(node: Mapping[str, Any]) -> None:
    print_card(listed_node(node), lines=NODE_CARD)
    print_warnings(node)


def listed_node(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A node as a row of a list."""
    shards, order = node["shards"], node["order"]
    works = "worker" in node["roles"]
    return {
        **node,
        "leads": "yes" if node["leader"] else None,
        "share": str(len(shards)) if shards else None,
        "ranges": ranges_of(shards),
        "load": f"{node['running']} of {node['slots']}" if works else None,
        "tags": ", ".join(f"{name}={value}" for name, value in sorted(node["labels"].items())),
        "command": None if order is None else _command(order),
    }


def listed_queue(queue: Mapping[str, Any]) -> Mapping[str, Any]:
    """A queue as a row of a list."""
    age = queue["oldest_pending_age_seconds"]
    more = "more than " if queue["more_than"] else ""
    return {**queue, "oldest": None if not age else f"{age:.0f} s", "pending": f"{more}{queue['pending']}"}


def ranges_of(numbers: Iterable[int]) -> str:
    """`0-3, 7, 9-12`."""
    ordered = sorted(numbers)
    runs = [[number for _, number in run] for _, run in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _command(order: Mapping[str, Any]) -> str:
    reason = f": {order['reason']}" if order["reason"] else ""
    return f"{order['wanted']} by {order['ordered_by']}{reason}"
