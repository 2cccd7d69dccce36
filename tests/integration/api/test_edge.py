"""What every request meets first: closed unless listed, bounded, and answered in one form whatever goes wrong."""

import base64
import hashlib
import json
import re

import pytest
from fastapi.routing import APIRoute

from distributedjob.api.rest.app import ROUTERS
from distributedjob.api.rest.edge import OPEN
from distributedjob.store.errors import StoreUnavailable
from integration.api.conftest import task

ROUTES = sorted(
    (method, route.path_format)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
)


def path_of(template: str) -> str:
    return re.sub(r"\{\w+\}", "1", template)


@pytest.mark.parametrize(("method", "template"), [route for route in ROUTES if route not in OPEN])
async def test_every_route_that_is_not_listed_is_closed_to_strangers(here, method, template):
    answer = await here.stranger.request(method, path_of(template), json={})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_nothing_is_open_but_login_health_and_the_description():
    assert {path for _, path in OPEN} == {
        "/v1/auth/login",
        "/v1/health/live",
        "/v1/health/ready",
        "/openapi.json",
        "/docs",
    }


@pytest.mark.parametrize("path", ["/", "/v1", "/admin", "/v1/tasks/", "/openapi.json/../v1/tasks", "//openapi.json"])
async def test_a_stranger_does_not_learn_which_paths_exist(here, path):
    assert (await here.stranger.get(path)).status_code == 401


@pytest.mark.parametrize(("path", "word"), [("/v1/health/live", "live"), ("/v1/health/ready", "ready")])
async def test_health_says_one_word_to_strangers(here, path, word):
    answer = await here.stranger.get(path)

    assert (answer.status_code, answer.text) == (200, word)


async def test_metrics_are_shown_to_those_who_may_see_them(here):
    answer = await here.client.get("/metrics")

    assert (answer.status_code, answer.text[:6]) == (200, "# HELP")


@pytest.mark.parametrize("path", ["/v1/health/live", "/v1/tasks", "/nothing", "/docs", "/openapi.json"])
async def test_every_answer_carries_the_security_headers(here, path):
    headers = (await here.client.get(path)).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "access-control-allow-origin" not in headers


async def test_the_docs_page_names_every_path_and_needs_no_script_and_no_network(here):
    page = await here.stranger.get("/docs")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert all(f"<code>{path}</code>" in page.text for _, path in ROUTES)
    assert "<script" not in page.text
    assert "//" not in page.text.replace("http://127.0.0.1", "")


async def test_the_docs_page_has_the_one_style_that_its_policy_allows(here):
    page = await here.stranger.get("/docs")
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"style-src 'sha256-{digest}'" in page.headers["Content-Security-Policy"]


async def test_a_path_without_anything_is_a_problem(here):
    answer = await here.client.get("/v1/nothing")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


async def test_a_wrong_method_is_answered_with_all_that_are_allowed(here):
    answer = await here.client.put("/v1/tasks", json={})

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


async def test_a_method_is_wrong_beside_a_path_with_an_id_too(here):
    answer = await here.client.get("/v1/executions/cancel")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_a_body_that_says_it_is_too_large_is_refused(here):
    answer = await here.client.post("/v1/tasks", json=task(description="x" * 1_100_000))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_that_becomes_too_large_on_its_way_is_refused(here):
    async def pieces():
        for _ in range(200):
            yield b" " * 10_000

    headers = {"Content-Type": "application/json"}
    answer = await here.client.post("/v1/tasks", content=pieces(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


NO_JSON = (
    b"{",
    b"\xff",
    b'{"name": NaN}',
    b'{"name": "\\ud800"}',
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 70 + b"1" + b"}" * 70,
)


@pytest.mark.parametrize("body", NO_JSON)
async def test_what_is_no_json_is_refused(here, body):
    answer = await here.client.post("/v1/tasks", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_of_another_site_is_no_request(here, content_type):
    body = json.dumps(task()).encode()
    answer = await here.client.post("/v1/tasks", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 422


async def test_a_database_that_is_away_is_said_with_when_to_ask_again(here, monkeypatch):
    async def away(_self, _unit):
        raise StoreUnavailable("the database cannot be reached")

    await here.client.get("/v1/tasks")
    monkeypatch.setattr(type(here.desk.store), "read", away)
    answer = await here.client.get("/v1/tasks")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_fault_of_the_program_is_told_by_an_id_that_is_logged_too(here, monkeypatch):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("distributedjob.services.tasks.list_tasks", broken)
    answer = await here.client.get("/v1/tasks")
    [fault] = here.faults
    here.faults.clear()

    assert (answer.status_code, answer.json()["fault_id"]) == (500, fault.id)
    assert (fault.method, fault.path, type(fault.error)) == ("GET", "/v1/tasks", ZeroDivisionError)
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text
