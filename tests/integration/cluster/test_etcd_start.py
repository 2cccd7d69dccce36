"""The real program at its start: what is wrong with etcd's settings is one line, etcd being away is a warning."""

import asyncio
import json
from pathlib import Path

import pytest

from distributedjob.cli.exit_codes import ExitCode
from distributedjob.store import schema
from support.etcd_party import Party
from support.program import Program, StartProgram, pick_free_port


@pytest.fixture
async def settings(mariadb_url: str) -> dict[str, str]:
    await schema.upgrade(mariadb_url)
    return {"DISTRIBUTEDJOB_DATABASE_URL": mariadb_url}


def with_etcd(settings: dict[str, str], *endpoints: str, prefix: str = "distributedjob") -> dict[str, str]:
    members = json.dumps(endpoints)
    return {**settings, "DISTRIBUTEDJOB_ETCD_ENDPOINTS": members, "DISTRIBUTEDJOB_ETCD_PREFIX": prefix}


def test_etcd_that_is_away_at_the_start_is_a_warning(start_program: StartProgram, settings: dict[str, str]) -> None:
    program = start_program(settings=with_etcd(settings, f"127.0.0.1:{pick_free_port()}"))
    text = program.log_text()
    assert (text.count("etcd is away; the database alone tells who is alive"), "Traceback" in text) == (1, False)


async def test_a_prefix_of_another_cluster_is_refused(party: Party, settings: dict[str, str], tmp_path: Path) -> None:
    await party.knock()
    taken = with_etcd(settings, *party.address.endpoints, prefix=party.prefix)
    program = Program(tmp_path / "node", port=pick_free_port(), settings=taken)
    refused = await asyncio.to_thread(program.run_serve)
    reason = f"Error: etcd_prefix: '{party.prefix}' belongs to another cluster"
    assert (refused.returncode, refused.stderr.startswith(reason), "Traceback" in refused.stderr) == (
        ExitCode.CONFLICT,
        True,
        False,
    )


def test_an_endpoint_that_is_none_is_refused(settings: dict[str, str], tmp_path: Path) -> None:
    wrong = with_etcd(settings, "http://127.0.0.1:2379")
    refused = Program(tmp_path / "node", port=pick_free_port(), settings=wrong).run_serve()
    assert (refused.returncode, "etcd_endpoints: 'http://127.0.0.1:2379' is no host:port" in refused.stderr) == (
        ExitCode.INVALID,
        True,
    )
