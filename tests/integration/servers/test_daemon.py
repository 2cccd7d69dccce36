"""A server of a test's own ends with the test's process, however that ends, and says why it did not start."""

import subprocess
import sys

import pytest

from support.daemon import DidNotStart, accepts
from support.redis_server import RedisServer
from support.services import ROOT
from support.waiting import until

_START = """
import sys
from pathlib import Path
from support.redis_server import RedisServer
server = RedisServer(Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""


async def test_a_server_does_not_outlive_the_process_that_started_it(tmp_path):
    command = [sys.executable, "-c", _START, str(tmp_path / "redis")]
    with subprocess.Popen(command, cwd=ROOT / "tests", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        port = int(starter.stdout.readline())
        assert accepts(port)

        starter.kill()

    await until(lambda: not accepts(port))


def test_a_server_that_cannot_start_shows_its_log(tmp_path):
    server = RedisServer(tmp_path / "redis", settings=("--no-such-setting", "1"))

    with pytest.raises(DidNotStart, match="no-such-setting"), server:
        pass
