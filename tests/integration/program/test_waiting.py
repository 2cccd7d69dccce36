"""A program that waits for its database says so, can be stopped, and goes on when the database is there."""

import asyncio
import time

import httpx2

from distributedjob.store.open import parse_url
from rig.proxy import Proxy
from support.program import Program
from support.servers import DatabaseServer


def declare_all_dead(server: DatabaseServer, database: str | None) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {database}.node SET dead = 1, ended_at = 1")


async def until_logged(program: Program, words: str) -> None:
    async with asyncio.timeout(20):
        while words not in program.log_text():
            assert program.is_running, program.log_text()
            await asyncio.sleep(0.05)


async def test_a_program_without_its_database_waits_and_stops_when_it_is_told_to(proxy: Proxy, behind: Program) -> None:
    await proxy.cut()
    behind.start()
    await until_logged(behind, "database")
    began = time.monotonic()
    code = await asyncio.to_thread(behind.terminate, 15)
    assert (code, time.monotonic() - began < 8, "Traceback" in behind.log_text()) == (0, True, False)


async def test_a_program_starts_when_its_database_appears(proxy: Proxy, behind: Program) -> None:
    await proxy.cut()
    behind.start()
    await until_logged(behind, "database")
    await proxy.heal()
    await asyncio.to_thread(behind.wait_until_ready)
    assert behind.is_running


async def test_a_session_that_was_declared_dead_is_followed_by_another_on_the_same_port(
    behind: Program, mariadb_server: DatabaseServer, mariadb_url: str
) -> None:
    behind.start()
    await asyncio.to_thread(behind.wait_until_ready)
    await asyncio.to_thread(declare_all_dead, mariadb_server, parse_url(mariadb_url).database)
    await until_logged(behind, "declared dead")
    async with asyncio.timeout(20):
        while behind.log_text().count("ready") < 2:
            await asyncio.sleep(0.05)
    answer = await asyncio.to_thread(httpx2.get, f"{behind.base_url}/v1/health/ready", trust_env=False)
    assert (answer.status_code, behind.is_running) == (200, True)
