"""Orders to nodes, and what the table then says of them."""

import pytest

from distributedjob.cluster.port import Census
from distributedjob.dispatch.port import OrdersChanged
from distributedjob.model.errors import NotFound
from distributedjob.model.identity import SYSTEM
from distributedjob.model.instant import DAY, HOUR
from distributedjob.model.task import SHARDS
from distributedjob.services import nodes as verbs
from distributedjob.services.nodes import Condition, Node, NodeFilter
from distributedjob.store import nodes
from distributedjob.store.nodes import NodeRow
from distributedjob.store.orders import Wanted
from support.office import ME, OTHER, Office

BOTH = Census(frozenset({ME, OTHER}), (ME, OTHER), ME)


async def add(office: Office, session: int, *, name: str, roles: str = "scheduler,worker", labels: str = "") -> None:
    row = NodeRow(session, 0, name, 1, "0.1.0", roles, "default,slow" if "worker" in roles else "", labels, 8)
    await office.store.write(lambda c: nodes.register(c, row, now=office.now))


async def order(office: Office, name: str, wanted: Wanted = Wanted.CORDONED, *, reason: str = "") -> None:
    await office.desk.write(lambda tx: verbs.give_order(tx, name, principal=SYSTEM, wanted=wanted, reason=reason))


async def listed(office: Office, *, census: Census = BOTH, **wanted: object) -> dict[str, Node]:
    chosen = NodeFilter(**{"labels": {}, **wanted})  # type: ignore[arg-type]
    found = await office.desk.read(lambda tx: verbs.list_nodes(tx, census=census, wanted=chosen))
    return {node.name: node for node in found}


async def living(office: Office) -> list[tuple[str, str | None]]:
    return [(node.roles, node.wanted) for node in await office.store.read(nodes.list_living)]


async def test_a_drained_node_plays_no_role_and_a_cordoned_one_all(office: Office) -> None:
    await add(office, ME, name="one")
    await order(office, "one")
    cordoned = await living(office)
    await order(office, "one", Wanted.DRAINED)
    assert (cordoned, await living(office)) == ([("scheduler,worker", "cordoned")], [("", "drained")])


async def test_an_order_outlives_the_session_it_was_given_to(office: Office) -> None:
    await add(office, ME, name="one")
    await order(office, "one", reason="new disk")
    await office.end_node(ME)
    await add(office, OTHER, name="one")
    found = (await listed(office))["one"].order
    assert found is not None
    assert (found.wanted, found.reason, found.ordered_by) == (Wanted.CORDONED, "new disk", SYSTEM.name)


async def test_a_resumed_node_is_under_no_order(office: Office) -> None:
    await add(office, ME, name="one")
    await order(office, "one")
    await office.desk.write(lambda tx: verbs.resume(tx, "one"))
    assert (await listed(office))["one"].order is None


async def test_orders_are_news(office: Office) -> None:
    await add(office, ME, name="one")
    await order(office, "one")
    await office.desk.write(lambda tx: verbs.resume(tx, "one"))
    assert office.heard == [OrdersChanged(), OrdersChanged()]


async def test_no_order_goes_to_a_name_that_no_node_has(office: Office) -> None:
    with pytest.raises(NotFound, match="distributedjob node list"):
        await order(office, "nobody")


async def test_nobody_is_resumed_by_a_name_that_no_node_has(office: Office) -> None:
    with pytest.raises(NotFound, match="distributedjob node list"):
        await office.desk.write(lambda tx: verbs.resume(tx, "nobody"))


async def test_the_list_says_who_leads_and_who_owns_what(office: Office) -> None:
    for session, name in ((ME, "one"), (OTHER, "two")):
        await add(office, session, name=name)
    found = await listed(office)
    assert [found[name].leads for name in ("one", "two")] == [True, False]
    assert sorted(found["one"].shards + found["two"].shards) == list(range(SHARDS))


async def test_one_without_beats_is_silent_and_one_that_leaves_is_leaving(office: Office) -> None:
    for session, name in ((ME, "one"), (OTHER, "two")):
        await add(office, session, name=name)
    await office.store.write(lambda c: nodes.leave(c, session=OTHER))
    found = await listed(office, census=Census(frozenset({OTHER}), (), None))
    assert [found[name].state for name in ("one", "two")] == [Condition.SILENT, Condition.LEAVING]


async def test_one_that_ended_is_listed_for_an_hour(office: Office) -> None:
    await add(office, ME, name="one")
    await office.end_node(ME)
    office.now += HOUR - 1
    early = (await listed(office))["one"].state
    office.now += 1
    assert (early, await listed(office)) == (Condition.ENDED, {})


async def test_one_that_came_back_is_listed_once(office: Office) -> None:
    await add(office, ME, name="one")
    await office.store.write(lambda c: nodes.declare_dead(c, session=ME, seen_beat=1, now=office.now))
    dead = (await listed(office))["one"].state
    await add(office, OTHER, name="one")
    found = await office.desk.read(lambda tx: verbs.list_nodes(tx, census=BOTH))
    assert (dead, [node.session for node in found]) == (Condition.DEAD, [OTHER])


async def test_an_order_is_listed_when_nothing_else_is_known_of_its_node(office: Office) -> None:
    await add(office, ME, name="one")
    await order(office, "one")
    await office.end_node(ME)
    office.now += 3 * DAY
    assert (await listed(office))["one"].state is Condition.ABSENT


async def test_two_living_nodes_of_one_name_are_both_listed_and_marked(office: Office) -> None:
    for session in (ME, OTHER):
        await add(office, session, name="one")
    found = await office.desk.read(lambda tx: verbs.list_nodes(tx, census=BOTH))
    assert [(node.session, node.namesake) for node in found] == [(ME, True), (OTHER, True)]


async def test_the_list_is_filtered_by_labels_and_role(office: Office) -> None:
    await add(office, ME, name="one", labels="rack=7,zone=a")
    await add(office, OTHER, name="two", roles="api", labels="zone=a")
    chosen = ({"labels": {"zone": "a"}}, {"labels": {"zone": "a", "rack": "7"}}, {"role": "api"}, {"role": "worker"})
    assert [list(await listed(office, **wanted)) for wanted in chosen] == [["one", "two"], ["one"], ["two"], ["one"]]


async def test_the_list_counts_what_each_node_runs(office: Office) -> None:
    for session, name in ((ME, "one"), (OTHER, "two")):
        await add(office, session, name=name)
    run = await office.run_by_hand(await office.add_task())
    await office.claim((run.id, 0), session=ME)
    assert {name: node.running for name, node in (await listed(office)).items()} == {"one": 1, "two": 0}
