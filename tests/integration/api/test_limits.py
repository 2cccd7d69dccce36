"""How many requests a second the API takes, from whom, and what it says to the rest."""

import pytest

from integration.api.conftest import RATE, Installation

BURST = 2 * RATE


async def use_up(here: Installation, who: str) -> None:
    """As if all requests of this moment had been sent already."""
    while await here.cache.hit(who, per_second=RATE):
        pass


async def test_one_request_too_many_is_told_when_to_come_again(here):
    await use_up(here, f"user:{here.user.id}")
    answer = await here.client.get("/v1/auth/userinfo")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "too_many_requests"


async def test_each_user_has_a_rate_of_his_own(here):
    await use_up(here, f"user:{here.user.id}")
    other = here.as_user(await here.new_user())

    assert (await other.get("/v1/auth/userinfo")).status_code == 200


async def test_all_tokens_of_a_user_count_together(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "robot"})).json()
    await use_up(here, f"user:{here.user.id}")

    assert (await here.speaking(Authorization=f"Bearer {made['token']}").get("/v1/auth/userinfo")).status_code == 429


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/tasks"])
async def test_strangers_count_by_their_address(here, path):
    await use_up(here, "address:127.0.0.1")

    assert (await here.stranger.get(path)).status_code == 429


async def test_wrong_tokens_count_by_their_address_and_good_ones_do_not_suffer(here):
    await use_up(here, "address:127.0.0.1")
    wrong = here.speaking(Authorization="Bearer dj_unknown")

    assert [(await client.get("/v1/auth/userinfo")).status_code for client in (wrong, here.client)] == [429, 200]


async def test_a_flood_is_cut_at_twice_the_rate(here):
    answers = [await here.stranger.get("/docs/none") for _ in range(BURST + 100)]
    statuses = [answer.status_code for answer in answers]

    assert statuses[:BURST] == [401] * BURST
    assert 429 in statuses[BURST:]


@pytest.mark.parametrize("path", ["/v1/health/live", "/v1/health/ready", "/metrics"])
async def test_who_watches_is_never_refused(here, path):
    await use_up(here, f"user:{here.user.id}")
    await use_up(here, "address:127.0.0.1")

    assert (await here.client.get(path)).status_code == 200
