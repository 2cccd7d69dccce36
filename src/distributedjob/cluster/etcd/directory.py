"""The addresses of targets that register themselves in etcd, below `<prefix>/targets/<name>/`.

The value of a key is `host:port`, or the JSON that etcd's own client for Go writes, whose `Addr` is that. When etcd is
lost, the addresses known last stay: a target that was there a minute ago is a better guess than none.
"""

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType

from distributedjob.cluster.etcd.client import EtcdClient
from distributedjob.cluster.etcd.errors import EtcdAway
from distributedjob.cluster.etcd.following import LONGEST_PAUSE, Pairs, follow
from distributedjob.cluster.etcd.keys import Keys, end_of
from distributedjob.model.endpoint import is_endpoint
from distributedjob.model.errors import Problem
from distributedjob.telemetry.events import Events

NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class TargetDirectory:
    """`run` lives on etcd's thread; `list_addresses` reads in any."""

    def __init__(self, client: EtcdClient, *, keys: Keys, events: Events) -> None:
        self._client = client
        self._events = events
        self._prefix = keys.targets
        self._known = NONE
        self._current = False

    @property
    def is_current(self) -> bool:
        """Whether changes are seen as they happen; without, the addresses are those known last."""
        return self._current

    def list_addresses(self, name: str) -> tuple[str, ...]:
        """Where the target of this name can be reached, as host:port, in order; empty when nobody registered."""
        return self._known.get(name, ())

    async def run(self) -> None:
        """Keep up with etcd, until cancelled."""
        while True:
            try:
                await follow(
                    self._client, self._prefix, end_of(self._prefix), on_read=self._note, on_cut=self._note_cut
                )
            except Problem as error:
                self._current = False
                self._events.etcd_refused(error)
                await asyncio.sleep(LONGEST_PAUSE)

    async def _note(self, pairs: Pairs) -> None:
        self._known, self._current = addresses(pairs, prefix=self._prefix), True

    def _note_cut(self, _: EtcdAway) -> None:
        self._current = False


def addresses(pairs: Pairs, *, prefix: bytes) -> Mapping[str, tuple[str, ...]]:
    """By name, in order; a key or value that makes no sense is nobody's address."""
    found: dict[str, set[str]] = {}
    for key, value in pairs.items():
        name, _, instance = key.removeprefix(prefix).decode("utf-8", "replace").partition("/")
        address = _read_address(value)
        if name and instance and address is not None:
            found.setdefault(name, set()).add(address)
    return MappingProxyType({name: tuple(sorted(known)) for name, known in found.items()})


def _read_address(value: bytes) -> str | None:
    text = value.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text).get("Addr"))
        except ValueError:
            return None
    return text if is_endpoint(text) else None
