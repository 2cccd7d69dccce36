"""etcd for tests: the shared cluster (`etcd_endpoints`), and such of a test's own (`etcd_cluster`, `EtcdCluster`)."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from support.certificates import Certificates
from support.daemon import HOST, PROBE_SECONDS, Daemon
from support.program import pick_free_port
from support.services import home_of, start_shared

_ROOT_PASSWORD = "etcd-root-tests-alone"
_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdUser:
    """Turns authentication on. The user may read and write keys that begin with `prefix`."""

    name: str
    password: str
    prefix: str = ""


class EtcdMember(Daemon):
    """One member; `endpoint` is its host:port for clients. It is ready when it sees a leader."""

    def __init__(self, folder: Path, *, name: str, tls: Certificates | None, client_ca: Path | None) -> None:
        super().__init__(folder, name=name)
        self.endpoint = f"{HOST}:{pick_free_port()}"
        self.peer_url = f"http://{HOST}:{pick_free_port()}"
        self._metrics_url = f"http://{HOST}:{pick_free_port()}"
        self._tls = tls
        self._client_ca = client_ca
        self.cluster: tuple[EtcdMember, ...] = ()
        """All members, this one too; set before the first start."""

    @property
    def client_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.endpoint}"

    def leads(self) -> bool:
        """Whether it takes itself for the leader. A member that does not answer does not."""
        try:
            return "\netcd_server_is_leader 1\n" in self._get("/metrics")
        except OSError:
            return False

    def _is_ready(self) -> bool:
        return '"true"' in self._get("/health")

    def _get(self, path: str) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._metrics_url + path, timeout=_SECONDS) as answer:
            text: str = answer.read().decode()
            return text

    def _command(self) -> Sequence[str]:
        peers = ",".join(f"{member.name}={member.peer_url}" for member in self.cluster)
        return [
            *(str(home_of("etcd") / "etcd"), "--name", self.name, "--data-dir", str(self.data)),
            *("--listen-client-urls", self.client_url, "--advertise-client-urls", self.client_url),
            *("--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url),
            *("--listen-metrics-urls", self._metrics_url, "--initial-cluster", peers),
            *("--initial-cluster-token", str(self.folder.parent), "--heartbeat-interval", "50"),
            *("--election-timeout", "500", "--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn"),
            *self._encryption(),
        ]

    def _encryption(self) -> tuple[str, ...]:
        if self._tls is None:
            return ()
        flags = ("--cert-file", str(self._tls.server), "--key-file", str(self._tls.server_key))
        if self._client_ca is None:
            return flags
        return (*flags, "--client-cert-auth", "--trusted-ca-file", str(self._client_ca))


class EtcdCluster:
    """Three members (or as many as asked for), addressed as `cluster.members[0]`.

    With `tls` clients must use TLS; with `client_ca` too they must show a certificate which that CA has signed. With
    `user` they must log in.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size: int = 3,
        tls: Certificates | None = None,
        client_ca: Path | None = None,
        user: EtcdUser | None = None,
    ) -> None:
        self.members = tuple(
            EtcdMember(folder / name, name=name, tls=tls, client_ca=client_ca)
            for name in (f"etcd{number}" for number in range(1, size + 1))
        )
        for member in self.members:
            member.cluster = self.members
        self._tls = tls
        self._user = user

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(member.endpoint for member in self.members)

    def start(self) -> None:
        """Start all members, empty or with what they have stored, and wait until each sees a leader."""
        is_new = not any(member.data.exists() for member in self.members)
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_until_ready()
        if is_new and self._user is not None:
            self._turn_access_on(self._user)

    def find_leader(self) -> EtcdMember | None:
        """The running member that leads now. Frozen members count for nothing once they do not answer (2 s each)."""
        return next((member for member in self.members if member.is_running and member.leads()), None)

    def wait_for_leader(self, *, other_than: EtcdMember | None = None, timeout_seconds: float = 20.0) -> EtcdMember:
        """Wait until a member leads, and another one than `other_than`. TimeoutError if none does."""
        deadline = time.monotonic() + timeout_seconds
        candidates = [member for member in self.members if member is not other_than]
        while time.monotonic() < deadline:
            for member in candidates:
                if member.is_running and member.leads():
                    return member
            time.sleep(PROBE_SECONDS)
        raise TimeoutError(f"no leader among {[member.name for member in candidates]} after {timeout_seconds} s")

    def freeze(self) -> None:
        for member in self.members:
            member.freeze()

    def thaw(self) -> None:
        for member in self.members:
            member.thaw()

    def kill(self) -> None:
        """SIGKILL every member that runs. What they have stored stays, for `start`."""
        for member in self.members:
            if member.is_running:
                member.kill()

    def wipe(self) -> None:
        """Lose everything: kill all members, delete their data, start them anew on the same ports."""
        self.close()
        self.start()

    def close(self) -> None:
        for member in self.members:
            member.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def control(self, *words: str, user: str | None = None) -> str:
        """Run etcdctl against all members, as `user` ("name:password") if given. CalledProcessError if it fails."""
        command = [
            str(home_of("etcd") / "etcdctl"),
            "--endpoints",
            ",".join(m.client_url for m in self.members),
            *words,
        ]
        if self._tls is not None:
            command += [
                "--cacert",
                str(self._tls.ca),
                "--cert",
                str(self._tls.client),
                "--key",
                str(self._tls.client_key),
            ]
        if user is not None:
            command += ["--user", user]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=True).stdout

    def _turn_access_on(self, user: EtcdUser) -> None:
        self.control("user", "add", f"root:{_ROOT_PASSWORD}")
        self.control("user", "grant-role", "root", "root")
        self.control("user", "add", f"{user.name}:{user.password}")
        self.control("role", "add", user.name)
        self.control("role", "grant-permission", user.name, "readwrite", "--prefix=true", user.prefix)
        self.control("user", "grant-role", user.name, user.name)
        self.control("auth", "enable")


@pytest.fixture(scope="session")
def etcd_endpoints() -> tuple[str, ...]:
    """The three members that all tests share, as host:port: use keys under a prefix of your own."""
    return tuple(start_shared("etcd").split(","))


@pytest.fixture
def etcd_cluster(tmp_path: Path) -> Iterator[EtcdCluster]:
    """Three members of the test's own, running, which it may kill."""
    with EtcdCluster(tmp_path / "etcd") as cluster:
        yield cluster
