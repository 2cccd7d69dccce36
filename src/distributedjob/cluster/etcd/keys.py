"""Where in etcd one cluster keeps what, below its prefix."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """`prefix` is the setting `etcd_prefix`: a name without a slash."""

    prefix: str

    @property
    def cluster(self) -> bytes:
        """Whose prefix it is."""
        return f"{self.prefix}/cluster".encode()

    @property
    def leader(self) -> bytes:
        """The session that does the single duties."""
        return f"{self.prefix}/leader".encode()

    def node(self, session: int) -> bytes:
        return self._nodes + str(session).encode()

    @property
    def members(self) -> tuple[bytes, bytes]:
        """From the leader to the last node, in one range: `leader` sorts right before `nodes/`."""
        return self.leader, end_of(self._nodes)

    @property
    def targets(self) -> bytes:
        """What the keys of all targets begin with; a name and one more part follow."""
        return f"{self.prefix}/targets/".encode()

    def find_session(self, key: bytes) -> int | None:
        """The session a key of `members` stands for; None for the leader's key and for what is not ours."""
        name = key.removeprefix(self._nodes)
        return int(name) if name != key and name.isdigit() else None

    @property
    def _nodes(self) -> bytes:
        return f"{self.prefix}/nodes/".encode()


def end_of(prefix: bytes) -> bytes:
    """The first key after all that begin with `prefix`, which must not end in byte 255."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
