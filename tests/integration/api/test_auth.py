import asyncio
import time

import pytest

from distributedjob.access.passwords import hash_password
from distributedjob.model.identity import ROOT_DEPARTMENT
from distributedjob.model.person import User
from distributedjob.services.people import create_first_admin, has_users, is_first_admin, reset_password
from distributedjob.store import people
from integration.api.conftest import Installation

PASSWORD = "violet-otter-climbs-quietly-7"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
async def person(here: Installation, password_hash: str) -> User:
    return await here.new_user(password_hash=password_hash)


def credentials(user: User, password: str = PASSWORD) -> dict[str, str]:
    return {"username": user.name, "password": password}


async def test_a_login_gives_a_token_that_works(here, person):
    answer = (await here.stranger.post("/v1/auth/login", json=credentials(person))).json()
    shown = await here.speaking(Authorization=f"Bearer {answer['access_token']}").get("/v1/auth/userinfo")

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert shown.json()["username"] == person.name


async def test_an_unknown_name_is_answered_like_a_wrong_password(here, person):
    wrong = await here.stranger.post("/v1/auth/login", json=credentials(person, "wrong"))
    unknown = await here.stranger.post("/v1/auth/login", json={"username": "nobody", "password": "wrong"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(here, person):
    async def seconds(username: str) -> float:
        started = time.perf_counter()
        await here.stranger.post("/v1/auth/login", json={"username": username, "password": "wrong"})
        return time.perf_counter() - started

    known = min([await seconds(person.name) for _ in range(3)])
    unknown = min([await seconds(f"nobody{number}") for number in range(3)])

    assert 0.5 < unknown / known < 2


async def test_a_disabled_user_is_answered_like_a_wrong_password(here, person):
    await _disable(here, person)
    answer = await here.stranger.post("/v1/auth/login", json=credentials(person))

    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")


async def test_guessing_is_slowed_down_and_says_for_how_long(here, person):
    answers = [await here.stranger.post("/v1/auth/login", json=credentials(person, "wrong")) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 429]
    assert answers[-1].headers["Retry-After"] == "1"


async def test_after_ten_failures_even_the_right_password_waits(here, person):
    for _ in range(10):
        await here.stranger.post("/v1/auth/login", json=credentials(person, "wrong"))
        here.clock.advance(61)
    answer = await here.stranger.post("/v1/auth/login", json=credentials(person))

    assert (answer.status_code, int(answer.headers["Retry-After"]) > 700) == (429, True)


async def test_many_logins_at_once_do_not_pile_up(here):
    logins = (
        here.stranger.post("/v1/auth/login", json={"username": f"nobody{number}", "password": "wrong"})
        for number in range(28)
    )
    statuses = [answer.status_code for answer in await asyncio.gather(*logins)]

    assert set(statuses) == {401, 429}


async def test_an_expired_token_says_so(here):
    here.clock.advance(15 * 60)
    answer = await here.client.get("/v1/auth/userinfo")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


async def test_a_token_of_a_disabled_user_ends_within_five_seconds(here):
    before = await here.client.get("/v1/auth/userinfo")
    await _disable(here, here.user)
    here.clock.advance(5)
    after = await here.client.get("/v1/auth/userinfo")

    assert (before.status_code, after.status_code, after.json()["code"]) == (200, 401, "session_ended")


async def test_a_changed_password_ends_all_sessions_at_once(here, person):
    session, other = here.as_user(person), here.as_user(person)
    change = {"current_password": PASSWORD, "new_password": "another-good-passphrase-9"}
    answer = await session.put("/v1/auth/password", json=change)

    assert answer.status_code == 204
    assert [(await each.get("/v1/auth/userinfo")).status_code for each in (session, other)] == [401, 401]
    again = await here.stranger.post("/v1/auth/login", json=credentials(person, "another-good-passphrase-9"))
    assert again.status_code == 200


async def test_a_logout_ends_this_session_and_no_other(here, person):
    session, other = here.as_user(person), here.as_user(person)
    answer = await session.post("/v1/auth/logout")

    assert answer.status_code == 204
    assert [(await each.get("/v1/auth/userinfo")).status_code for each in (session, other)] == [401, 200]
    assert (await session.post("/v1/auth/logout")).json()["code"] == "session_ended"


async def test_a_logout_holds_until_the_token_has_expired(here, person):
    session = here.as_user(person)
    await session.post("/v1/auth/logout")
    here.clock.advance(14 * 60)
    before = await session.get("/v1/auth/userinfo")
    here.clock.advance(60)
    after = await session.get("/v1/auth/userinfo")

    assert (before.json()["code"], after.json()["code"]) == ("session_ended", "token_expired")


async def test_a_logout_clears_away_those_that_have_expired(here, person):
    for _ in range(3):
        await here.as_user(person).post("/v1/auth/logout")
    here.clock.advance(16 * 60)
    await here.as_user(person).post("/v1/auth/logout")
    rows = await here.desk.read(lambda tx: list(tx.connection.exec_driver_sql("SELECT * FROM revoked_token")))

    assert len(rows) == 1


async def test_a_program_that_logs_out_ends_its_api_token(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy"})).json()
    robot = here.speaking(Authorization=f"Bearer {made['token']}")
    statuses = [(await robot.post("/v1/auth/logout")).status_code, (await robot.get("/v1/auth/userinfo")).status_code]

    assert (statuses, (await here.client.get("/v1/auth/tokens")).json()["items"]) == ([204, 401], [])


async def test_many_requests_at_once_cost_one_query(here, monkeypatch):
    reads = []
    find_account = people.find_account
    monkeypatch.setattr(people, "find_account", lambda *args, **more: reads.append(1) or find_account(*args, **more))
    client = here.as_user(await here.new_user())
    answers = await asyncio.gather(*(client.get("/v1/auth/tokens") for _ in range(50)))

    assert ({answer.status_code for answer in answers}, len(reads)) == ({200}, 1)


async def test_a_password_is_not_changed_without_the_present_one(here, person):
    change = {"current_password": "wrong", "new_password": "another-good-passphrase-9"}
    answer = await here.as_user(person).put("/v1/auth/password", json=change)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "current_password")


async def test_a_weak_new_password_is_refused(here, person):
    change = {"current_password": PASSWORD, "new_password": "changeme-1234"}
    answer = await here.as_user(person).put("/v1/auth/password", json=change)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "new_password")


async def test_a_password_reset_from_outside_ends_sessions_too(here, person, password_hash):
    await here.desk.write(lambda tx: reset_password(tx, person.name, password_hash=password_hash))

    assert (await here.as_user(person).get("/v1/auth/userinfo")).status_code == 401


async def test_an_api_token_is_shown_once_and_works(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy", "days": 30})).json()
    listed = (await here.client.get("/v1/auth/tokens")).json()["items"]
    answer = await here.speaking(Authorization=f"Bearer {made['token']}").get("/v1/auth/userinfo")

    assert answer.json()["username"] == here.user.name
    assert [(each["name"], "token" in each) for each in listed] == [("deploy", False)]
    assert made["expires_at"] == "2027-03-31T12:00:00Z"


async def test_the_database_keeps_no_api_token(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy"})).json()
    dump = await here.desk.read(lambda tx: str(list(tx.connection.exec_driver_sql("SELECT * FROM api_token"))))

    assert made["token"] not in dump
    assert made["token"][3:] not in dump


async def test_a_revoked_token_is_dead_at_once_and_its_name_is_free(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy"})).json()
    robot = here.speaking(Authorization=f"Bearer {made['token']}")
    before = (await robot.get("/v1/auth/userinfo")).status_code
    await here.client.delete(f"/v1/auth/tokens/{made['id']}")
    after = (await robot.get("/v1/auth/userinfo")).status_code
    again = await here.client.post("/v1/auth/tokens", json={"name": "deploy"})

    assert (before, after, again.status_code) == (200, 401, 201)


async def test_a_token_ends_when_it_expires(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy", "days": 1})).json()
    here.clock.advance(24 * 3600)
    answer = await here.speaking(Authorization=f"Bearer {made['token']}").get("/v1/auth/userinfo")

    assert answer.status_code == 401


async def test_two_tokens_of_one_name_are_a_conflict(here):
    await here.client.post("/v1/auth/tokens", json={"name": "deploy"})
    answer = await here.client.post("/v1/auth/tokens", json={"name": "deploy"})

    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


async def test_a_token_of_somebody_else_cannot_be_revoked(here):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy"})).json()
    answer = await here.as_user(await here.new_user()).delete(f"/v1/auth/tokens/{made['id']}")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/auth/tokens", {"name": "child"}),
        ("PUT", "/v1/auth/password", {"current_password": "x", "new_password": "another-good-passphrase-9"}),
    ],
)
async def test_an_api_token_can_neither_make_tokens_nor_change_passwords(here, method, path, body):
    made = (await here.client.post("/v1/auth/tokens", json={"name": "deploy"})).json()
    answer = await here.speaking(Authorization=f"Bearer {made['token']}").request(method, path, json=body)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer ", "bearer x y", "Token abc", "Bearer dj_unknown", "Bearer é"]
)
async def test_other_credentials_are_refused(here, header):
    answer = await here.speaking(Authorization=header.encode()).get("/v1/tasks")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="distributedjob"')


async def test_nodes_that_start_at_once_make_one_admin(installed):
    async def start(own: str) -> bool:
        await installed.desk.write(lambda tx: create_first_admin(tx, password_hash=own))
        return await installed.desk.read(lambda tx: is_first_admin(tx, password_hash=own))

    in_force = await asyncio.gather(*map(start, "abcde"))
    admin = await installed.desk.read(lambda tx: people.find_user_by_name(tx.connection, "admin"))

    assert sum(in_force) == 1
    assert admin is not None
    assert admin.department_id == ROOT_DEPARTMENT
    assert await installed.desk.read(has_users)


async def _disable(here: Installation, user: User) -> None:
    statement = f'UPDATE "user" SET active = 0 WHERE id = {user.id}'
    await here.desk.write(lambda tx: tx.connection.exec_driver_sql(statement))
