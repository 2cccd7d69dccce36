"""Who may join the cluster: not one that is older than the operators allow, nor one too far from those at work.

A node that died may be in the table as alive for some seconds, and for ever when nobody is left to say otherwise.
So one that stands in the way is watched: only if it beats is the newcomer refused.
"""

import asyncio
from collections.abc import Collection
from functools import partial

from distributedjob.model.errors import Conflict
from distributedjob.rules.versions import may_run_together, parse_version
from distributedjob.services.desk import Desk, Transaction
from distributedjob.services.levers import LeverName
from distributedjob.store import levers, nodes
from distributedjob.store.nodes import LivingNode, NodeRow

WATCH_SECONDS = 4.0
LOOK_SECONDS = 0.5


async def join(desk: Desk, row: NodeRow) -> int:
    """Write a session down, and return its node bits. Raises Conflict with what stands in the way."""
    silent = await _silent(desk, await desk.read(partial(list_apart, version=row.version)), row.version)
    return await desk.write(partial(_register, row=row, silent=silent))


def list_apart(tx: Transaction, *, version: str) -> list[LivingNode]:
    """Living nodes whose version may not run beside this one. One that cannot be read is no neighbour."""
    return [node for node in nodes.list_living(tx.connection) if not _fits(node.version, version)]


async def _silent(desk: Desk, apart: Collection[LivingNode], version: str) -> frozenset[int]:
    """Those of them that do not beat; returns as soon as one does."""
    beats = {node.session: node.beat for node in apart}
    end = asyncio.get_running_loop().time() + WATCH_SECONDS
    while beats and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(LOOK_SECONDS)
        living = await desk.read(partial(list_apart, version=version))
        if any(node.beat != beats.get(node.session, node.beat) for node in living):
            return frozenset()
    return frozenset(beats)


def _register(tx: Transaction, *, row: NodeRow, silent: frozenset[int]) -> int:
    number = nodes.register(tx.connection, row, now=tx.now)  # holds the others' registrations back from here on
    oldest = levers.find_lever(tx.connection, LeverName.MIN_VERSION)
    if oldest is not None and parse_version(row.version) < parse_version(oldest.content):
        raise Conflict(
            f"this program is {row.version}; {oldest.changed_by} allows {oldest.content} and newer only. Install a "
            "newer one, or take the lever back by 'distributedjob lever reset min_version'",
            code="version_too_old",
        )
    for node in list_apart(tx, version=row.version):
        if node.session not in silent:
            raise Conflict(
                f"node {node.name} runs {node.version}, this program is {row.version}: only neighbouring minor "
                "versions run together. Upgrade step by step, or stop that node first",
                code="version_apart",
            )
    return number


def _fits(other: str, own: str) -> bool:
    try:
        return may_run_together(parse_version(other), parse_version(own))
    except ValueError:
        return False
