"""How many requests a second the API takes, from whom, and what it says to the rest."""

from dataclasses import replace

import httpx2
import pytest

from distributedjob.api.rest.app import create_api
from integration.api.conftest import Installation

RATE, BURST = 5, 10


@pytest.fixture
def slow(here: Installation) -> Installation:
    """An installation that takes five requests a second."""
    dependencies = here.app.state.dependencies
    here.app = create_api(replace(dependencies, limits=replace(dependencies.limits, rate=RATE)))
    here.client, here.stranger = here.as_user(here.user), here.speaking()
    return here


async def refusal(client: httpx2.AsyncClient, path: str = "/v1/auth/userinfo") -> httpx2.Response:
    """Ask until it is too much."""
    for _ in range(10 * BURST):
        answer = await client.get(path)
        if answer.status_code == 429:
            return answer
    pytest.fail("nothing was too much")


async def test_one_request_too_many_is_told_when_to_come_again(slow):
    answer = await refusal(slow.client)

    assert (answer.headers["Retry-After"], answer.json()["code"]) == ("2", "too_many_requests")
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_twice_the_rate_comes_through_at_once(slow):
    statuses = [(await slow.client.get("/v1/auth/userinfo")).status_code for _ in range(BURST)]

    assert statuses == [200] * BURST


async def test_each_user_has_a_rate_of_his_own(slow):
    await refusal(slow.client)
    other = slow.as_user(await slow.new_user())

    assert (await other.get("/v1/auth/userinfo")).status_code == 200


async def test_all_tokens_of_a_user_count_together(slow):
    made = (await slow.client.post("/v1/auth/tokens", json={"name": "robot"})).json()
    robot = slow.speaking(Authorization=f"Bearer {made['token']}")
    clients = [slow.client, robot] * BURST
    statuses = [(await client.get("/v1/auth/userinfo")).status_code for client in clients]

    assert 429 in statuses[::2]
    assert 429 in statuses[1::2]
    assert statuses.count(200) < len(statuses) / 2 + BURST / 2


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/tasks"])
async def test_strangers_count_by_their_address(slow, path):
    await refusal(slow.stranger, path)


async def test_wrong_tokens_count_by_their_address_and_good_ones_do_not_suffer(slow):
    await refusal(slow.speaking(Authorization="Bearer dj_unknown"))

    assert (await slow.client.get("/v1/auth/userinfo")).status_code == 200


@pytest.mark.parametrize("path", ["/v1/health/live", "/v1/health/ready", "/metrics"])
async def test_who_watches_is_never_refused(slow, path):
    statuses = {(await slow.client.get(path)).status_code for _ in range(3 * BURST)}

    assert statuses == {200}
