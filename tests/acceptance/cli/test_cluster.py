"""Several nodes on one database as an operator runs and looks after them: by commands, and by what they print."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.http_target import Hang, HttpTarget
from support.program import Program, pick_free_port
from support.servers import DatabaseServer, open_database

from .conftest import Cli, access_token

SECONDS = 15.0


@dataclass
class Cluster:
    """`front` has the API and schedules; `hand` works."""

    front: Program
    hand: Program
    settings: dict[str, str]
    folder: Path

    def node(self, name: str, *arguments: str) -> Program:
        """Another node, not started."""
        return Program(
            self.folder / name,
            port=pick_free_port(),
            settings=self.settings,
            arguments=("--name", name, *arguments),
            verb="node",
        )


@pytest.fixture(scope="module")
def cluster(mariadb_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with open_database(mariadb_server) as name:
        settings = {
            "DISTRIBUTEDJOB_DATABASE_URL": mariadb_server.url(name),
            "DISTRIBUTEDJOB_ALLOW_PRIVATE_TARGETS": "true",
        }
        made = Cluster(None, None, settings, tmp_path_factory.mktemp("cluster"))  # type: ignore[arg-type]
        made.front = made.node("front", "--roles", "api,scheduler")
        made.hand = made.node("hand", "--roles", "worker", "--labels", "zone=a", "--slots", "4")
        upgraded = made.front.run("db", "upgrade")
        assert upgraded.returncode == 0, upgraded.stderr
        try:
            for program in (made.front, made.hand):
                program.start()
            for program in (made.front, made.hand):
                program.wait_until_ready()
            yield made
        finally:
            for program in (made.front, made.hand):
                program.close()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[httpx2.Client]:
    """What a test looks at again and again; whatever it ordered or stopped is taken back at its end."""
    with cluster.front.client() as client:
        yield client
        for name in ("front", "hand"):
            client.post(f"/v1/nodes/{name}/resume").raise_for_status()
        for stop in client.get("/v1/stops").json()["items"]:
            client.delete(f"/v1/stops/{stop['id']}").raise_for_status()


@pytest.fixture
def admin(cluster: Cluster, api: httpx2.Client, tmp_path: Path) -> Cli:
    """The operator."""
    return Cli(tmp_path / "home", server=cluster.front.base_url, token=access_token(cluster.front))


@pytest.fixture
def task(api: httpx2.Client, http_target: HttpTarget) -> Iterator[str]:
    """A task without schedules that calls the target."""
    name = f"call-{http_target.port}"
    made = api.post("/v1/tasks", json={"name": name, "target": {"url": http_target.url("/run")}}).json()
    yield name
    api.post("/v1/executions/cancel", json={"task_id": made["id"]}).raise_for_status()
    api.delete(f"/v1/tasks/{made['id']}").raise_for_status()


def eventually(read: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `read` gives as soon as it is wanted; fails after a while with what it gave last."""
    end = time.monotonic() + SECONDS
    while not wanted(found := read()):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def nodes(api: httpx2.Client) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in api.get("/v1/nodes").json()["items"]}


def shards(api: httpx2.Client, name: str) -> int:
    return len(nodes(api)[name]["shards"])


def line_of(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(word))


def ready(program: Program) -> int:
    return httpx2.get(f"{program.base_url}/v1/health/ready", trust_env=False).status_code


def state(api: httpx2.Client, execution: dict[str, Any]) -> str:
    return str(api.get(f"/v1/executions/{execution['id']}").json()["state"])


def test_the_list_says_who_is_alive_leads_and_owns_the_shards(admin: Cli) -> None:
    text = admin.ok("node", "list")
    assert line_of(text, "front").split()[1:6] == ["active", "api,", "scheduler", "yes", "64"]
    assert "active" in line_of(text, "hand")
    assert "0 of 4" in line_of(text, "hand")
    assert "zone=a" in line_of(text, "hand")


def test_nodes_are_chosen_by_label_and_role(admin: Cli) -> None:
    chosen = [admin.json("node", "list", *options) for options in (("--label", "zone=a"), ("--role", "api"))]
    assert [[node["name"] for node in found] for found in chosen] == [["hand"], ["front"]]


def test_a_node_without_the_api_answers_its_probes_and_nothing_else(cluster: Cluster) -> None:
    headers = {"Authorization": f"Bearer {access_token(cluster.front)}"}
    with httpx2.Client(base_url=cluster.hand.base_url, trust_env=False) as client:
        answers = {
            path: client.get(path, headers=headers if path != "/v1/health/live" else {}).status_code
            for path in ("/v1/health/live", "/v1/health/ready", "/metrics", "/v1/tasks", "/openapi.json", "/docs")
        }
    assert answers == {
        "/v1/health/live": 200,
        "/v1/health/ready": 200,
        "/metrics": 200,
        "/v1/tasks": 404,
        "/openapi.json": 404,
        "/docs": 404,
    }


def test_a_cordoned_worker_takes_nothing_the_list_says_why_and_resume_takes_it_back(
    cluster: Cluster, admin: Cli, api: httpx2.Client, task: str, http_target: HttpTarget
) -> None:
    admin.ok("node", "cordon", "hand", "--reason", "a new fan")
    eventually(cluster.hand.log_text, lambda text: "a new fan" in text)
    waiting = admin.json("task", "run", task)
    listed = line_of(admin.ok("node", "list"), "hand")
    before = (state(api, waiting), len(http_target.requests))
    admin.ok("node", "resume", "hand")
    eventually(lambda: state(api, waiting), lambda found: found == "succeeded")
    assert ("cordoned by admin: a new fan" in listed, before) == (True, ("pending", 0))


def test_a_queue_that_only_a_cordoned_worker_serves_has_none(admin: Cli, task: str) -> None:
    admin.ok("node", "cordon", "hand")
    listed = admin.run("queue", "list")
    shown = admin.run("task", "show", task)
    assert "no_worker" in line_of(listed.stdout, "default")
    assert "No living worker serves default" in listed.stderr
    assert "Warning: no living worker serves the queue 'default'" in shown.stderr


def test_a_drain_lets_a_call_end_and_the_node_stays_up_and_not_ready(
    cluster: Cluster, admin: Cli, api: httpx2.Client, task: str, http_target: HttpTarget
) -> None:
    http_target.answers(Hang())
    called = admin.json("task", "run", task)
    http_target.wait_for(1)
    waited = admin.run("node", "drain", "hand", "--wait", "--timeout", "1.2")
    unready = ready(cluster.hand)
    live = httpx2.get(f"{cluster.hand.base_url}/v1/health/live", trust_env=False).status_code
    still = state(api, called)
    admin.ok("node", "resume", "hand")
    eventually(lambda: ready(cluster.hand), lambda found: found == 200)
    assert (waited.returncode, live, unready, still) == (7, 200, 503, "running")


def test_an_order_is_kept_over_a_restart(cluster: Cluster, api: httpx2.Client) -> None:
    api.post("/v1/nodes/hand/cordon", json={"reason": "new disk"}).raise_for_status()
    before = nodes(api)["hand"]["session"]
    cluster.hand.terminate()
    cluster.hand.start()
    cluster.hand.wait_until_ready()
    found = nodes(api)["hand"]
    assert (found["session"] != before, found["order"]["reason"]) == (True, "new disk")
    assert "this node is cordoned by order" in cluster.hand.log_text()


def test_a_drained_scheduler_hands_its_shards_over_and_gets_them_back(cluster: Cluster, api: httpx2.Client) -> None:
    second = cluster.node("second", "--roles", "scheduler")
    second.start()
    try:
        second.wait_until_ready()
        shared = eventually(lambda: shards(api, "front"), lambda count: count < 64)
        api.post("/v1/nodes/second/drain").raise_for_status()
        eventually(lambda: shards(api, "front"), lambda count: count == 64)
        api.post("/v1/nodes/second/resume").raise_for_status()
        eventually(lambda: shards(api, "front"), lambda count: count == shared)
    finally:
        second.terminate()


def test_a_stopped_target_is_not_called_and_its_runs_are_refused_with_the_reason(
    admin: Cli, api: httpx2.Client, http_target: HttpTarget
) -> None:
    every = {"kind": "interval", "every_seconds": 1}
    target = {"url": http_target.url("/run")}
    made = api.post("/v1/tasks", json={"name": "ticking", "target": target, "schedules": [every]}).json()
    http_target.wait_for(1)
    said = admin.ok("stop", "set", "target", http_target.url("/anything"), "--reason", "incident 7", "--for", "1h")
    skipped = eventually(
        lambda: api.get("/v1/executions", params={"task_id": made["id"], "limit": 2}).json()["items"],
        lambda found: [one["reason"] for one in found] == ["stopped"] * 2,
    )
    calls = len(http_target.requests)
    refused = admin.run("task", "run", "ticking")
    listed = admin.ok("stop", "list")
    admin.ok("stop", "lift", "target", http_target.url())
    eventually(lambda: len(http_target.requests), lambda count: count > calls)
    api.delete(f"/v1/tasks/{made['id']}").raise_for_status()
    assert said.startswith(f"Stopped target http://127.0.0.1:{http_target.port} until ")
    assert ([one["state"] for one in skipped], refused.returncode) == (["skipped"] * 2, 6)
    assert "incident 7" in refused.stderr
    assert "incident 7" in listed


def test_a_lever_is_set_and_reset(admin: Cli) -> None:
    admin.ok("lever", "set", "catchup_rate", "5")
    line = line_of(admin.ok("lever", "list"), "catchup_rate").split()
    assert (line[1:4], admin.ok("lever", "reset", "catchup_rate")) == (["5", "20", "admin"], "catchup_rate: 20\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("node", "cordon", "nobody"), 3, "there is no node 'nobody'; 'distributedjob node list' shows them"),
        (("node", "show", "nobody"), 3, "there is no node 'nobody'"),
        (("node", "list", "--role", "boss"), 2, "role"),
        (("stop", "set", "planet", "--reason", "x"), 2, "there are cluster, department, target, queue"),
        (("stop", "set", "queue", "nobodys", "--reason", "x"), 2, "no task and no worker names a queue 'nobodys'"),
        (("stop", "set", "cluster", "--reason", "x", "--for", "soon"), 2, "is not a span such as 90s"),
        (("stop", "lift", "queue", "default"), 3, "queue default is not stopped; 'distributedjob stop list'"),
        (("lever", "set", "speed", "1"), 3, "there is no lever 'speed'; there are catchup_rate, min_version"),
        (("lever", "set", "catchup_rate", "fast"), 2, "is not a whole number from 0 to 10000"),
        (("lever", "set", "min_version", "99.0.0"), 2, "newer than this node's own version"),
    ],
)
def test_a_mistake_is_named_with_the_way_out(admin: Cli, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = admin.run(*arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--roles", "schedler"), "'schedler' is not a role; the roles are api, scheduler, worker"),
        (("--roles", ","), "--roles: names nothing"),
        ((), "a node needs MySQL or MariaDB"),
        (("--roles", "worker"), "set database_url to MySQL or MariaDB"),
        (("--database-url", "mysql://u:p@127.0.0.1:9/x", "--labels", "Zone"), "labels.0"),
        (("--slots", "3", "list"), "these options run a node"),
    ],
)
def test_a_node_that_cannot_run_as_it_is_told_says_why(stranger: Cli, arguments: tuple[str, ...], words: str) -> None:
    done = stranger.run("node", *arguments)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
