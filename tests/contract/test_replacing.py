"""An execution that a newer one replaced says so at its end, whatever that end is."""

import pytest

from distributedjob.model.execution import Reason, State
from distributedjob.model.policies import Overlap, Policies
from distributedjob.services.ending import cancel
from distributedjob.services.rescue import rescue
from distributedjob.store.runs import list_running
from support.office import NOON, Office, result_of_claim

REPLACE = Policies(overlap=Overlap.REPLACE)
CLOSED = {"state": State.CANCELLED, "reason": Reason.ASKED}
FAILED = {"state": State.PENDING, "reason": Reason.RETRY, "not_before": NOON}
GIVEN_BACK = {"state": State.PENDING, "reason": Reason.RELEASED, "not_before": NOON, "given_back": 1}


async def end_of(office: Office, id_: int) -> tuple[State, str | None]:
    row = await office.row(id_)
    return State(row.state), row.reason


@pytest.mark.parametrize("ending", [CLOSED, FAILED, GIVEN_BACK], ids=["closed", "failed", "given back"])
async def test_one_that_was_replaced_while_it_ran_ends_so(office: Office, ending: dict[str, object]) -> None:
    task_id = await office.add_task(policies=REPLACE)
    old = await office.run_by_hand(task_id)
    (claim,) = await office.claim((old.id, 0))
    await office.run_by_hand(task_id)
    await office.finish(result_of_claim(claim, **ending))
    assert await end_of(office, old.id) == (State.CANCELLED, Reason.REPLACED)


async def test_one_that_was_replaced_and_succeeds_first_has_succeeded(office: Office) -> None:
    task_id = await office.add_task(policies=REPLACE)
    old = await office.run_by_hand(task_id)
    (claim,) = await office.claim((old.id, 0))
    await office.run_by_hand(task_id)
    await office.finish(result_of_claim(claim))
    assert await end_of(office, old.id) == (State.SUCCEEDED, Reason.OK)


async def test_one_that_was_replaced_and_whose_worker_is_lost_ends_so_too(office: Office) -> None:
    task_id = await office.add_task(policies=REPLACE)
    old = await office.run_by_hand(task_id)
    await office.claim((old.id, 0))
    await office.run_by_hand(task_id)
    await office.desk.write(lambda tx: rescue(tx, list_running(tx.connection, [old.id])))
    assert await end_of(office, old.id) == (State.CANCELLED, Reason.REPLACED)


async def test_one_that_a_person_cancelled_before_it_was_replaced_ends_as_that_person_asked(office: Office) -> None:
    task_id = await office.add_task(policies=REPLACE)
    old = await office.run_by_hand(task_id)
    (claim,) = await office.claim((old.id, 0))
    await office.desk.write(lambda tx: cancel(tx, [old.id]))
    await office.run_by_hand(task_id)
    await office.finish(result_of_claim(claim, **CLOSED))
    assert await end_of(office, old.id) == (State.CANCELLED, Reason.ASKED)
