"""Sessions: registered once, alive while they beat, dead by one word only."""

import pytest

from distributedjob.model.errors import Conflict
from distributedjob.model.identity import NODES
from distributedjob.model.instant import DAY
from distributedjob.store import nodes
from distributedjob.store.nodes import NUMBER_REST, LivingNode, NodeRow
from distributedjob.store.tables import node
from support.office import ME, NOON, OTHER, Office


def row(session: int) -> NodeRow:
    return NodeRow(session, 0, f"node {session}", 1, "0", "api,scheduler", "default", "", 8)


async def register(office: Office, session: int, *, now: int = NOON) -> int:
    return await office.store.write(lambda c: nodes.register(c, row(session), now=now))


async def living(office: Office) -> list[LivingNode]:
    return sorted(await office.store.read(nodes.list_living))


async def test_sessions_get_different_numbers(office: Office) -> None:
    assert {await register(office, ME), await register(office, OTHER)} == {0, 1}


async def test_a_session_that_registers_again_is_the_same(office: Office) -> None:
    first = await register(office, ME)
    again = await register(office, ME)
    assert (first == again, len(await living(office))) == (True, 1)


async def test_a_number_rests_for_a_day(office: Office) -> None:
    await register(office, ME)
    await office.end_node(ME)
    early = await register(office, OTHER, now=NOON + NUMBER_REST - 1)
    late = await register(office, 99, now=NOON + NUMBER_REST)
    assert (early, late) == (1, 0)


async def test_when_no_number_has_rested_the_longest_rest_counts(office: Office) -> None:
    ended = [(n, NOON - (n == 7)) for n in range(NODES)]
    values = [
        {**row(1_000 + n)._asdict(), "number": n, "beat": 1, "started_at": NOON, "ended_at": end} for n, end in ended
    ]
    await office.store.write(lambda c: c.execute(node.insert(), values))
    assert await register(office, ME, now=NOON + 1) == 7


async def test_when_every_number_is_in_use_a_start_is_refused(office: Office) -> None:
    values = [{**row(1_000 + n)._asdict(), "number": n, "beat": 1, "started_at": NOON} for n in range(NODES)]
    await office.store.write(lambda c: c.execute(node.insert(), values))
    with pytest.raises(Conflict, match="no number"):
        await register(office, ME)


async def test_a_beat_counts(office: Office) -> None:
    await register(office, ME)
    assert await office.store.write(lambda c: nodes.beat(c, ME))
    assert [one.beat for one in await living(office)] == [2]


async def test_a_session_is_declared_dead_at_the_beat_that_was_seen(office: Office) -> None:
    await register(office, ME)
    assert await office.store.write(lambda c: nodes.declare_dead(c, session=ME, seen_beat=1, now=NOON))
    assert (await living(office), await office.store.write(lambda c: nodes.beat(c, ME))) == ([], False)


async def test_a_session_that_beat_in_between_is_not_declared_dead(office: Office) -> None:
    await register(office, ME)
    await office.store.write(lambda c: nodes.beat(c, ME))
    assert not await office.store.write(lambda c: nodes.declare_dead(c, session=ME, seen_beat=1, now=NOON))
    assert await office.store.write(lambda c: nodes.beat(c, ME))


async def test_a_session_that_leaves_owns_nothing_and_lives_on(office: Office) -> None:
    await register(office, ME)
    await office.store.write(lambda c: nodes.leave(c, session=ME))
    assert [(one.session, one.roles) for one in await living(office)] == [(ME, "")]


async def test_an_end_is_written_once(office: Office) -> None:
    await register(office, ME)
    await office.end_node(ME)
    office.now += 5
    await office.end_node(ME)
    assert [one.ended_at for one in await office.all_of(node)] == [NOON]


async def test_on_a_database_of_ones_own_everybody_else_is_dead(office: Office) -> None:
    await register(office, ME)
    await register(office, OTHER)
    await office.store.write(lambda c: nodes.declare_others_dead(c, except_session=ME, now=NOON))
    assert [one.session for one in await living(office)] == [ME]


async def test_old_sessions_are_forgotten_unless_something_running_names_them(office: Office) -> None:
    for session in (ME, OTHER):
        await register(office, session)
    run = await office.run_by_hand(await office.add_task())
    await office.claim((run.id, 0), session=ME)
    for session in (ME, OTHER):
        await office.end_node(session)
    await office.store.write(lambda c: nodes.delete_old(c, ended_before=NOON + DAY))
    assert [one.session for one in await office.all_of(node)] == [ME]
