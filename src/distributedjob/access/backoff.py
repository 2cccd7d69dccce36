"""What guessing passwords costs: waits that grow with each failure, counted by account and by address.

Three counters, each with its own patience:

- *(account, address)*: three failures are free, then waits double; the tenth locks the pair for 15 minutes.
- *address*: thirty failures over all accounts are free, then each costs that address a wait of up to a minute.
- *account*: one hundred failures from all addresses are free, then every login to it waits, for a few seconds only.

So nobody can lock an account for everybody else, and a crowd of addresses still gets no faster than a crawl. Unknown
names count like known ones. The counters live in memory: a write per failure would let strangers load the database,
and would tell known accounts from unknown ones by time.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from distributedjob.model.instant import MINUTE, SECOND, Instant

FORGET_AFTER = 15 * MINUTE
CAPACITY = 20_000


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` failures cost nothing; then waits double from one second to `cap`; failure `lock_at` waits `lock`."""

    free: int
    cap: Instant
    lock_at: int | None = None
    lock: Instant = 0

    def wait(self, failures: int) -> Instant:
        if self.lock_at is not None and failures >= self.lock_at:
            return self.lock
        return min(self.cap, SECOND << min(failures - self.free - 1, 20)) if failures > self.free else 0


PAIR = Patience(free=3, cap=MINUTE, lock_at=10, lock=15 * MINUTE)
ADDRESS = Patience(free=30, cap=MINUTE)
ACCOUNT = Patience(free=100, cap=5 * SECOND)


@dataclass(slots=True)
class _Count:
    failures: int = 0
    failed_at: Instant = 0
    open_at: Instant = 0


class LoginBackoff:
    """Counts attempts; forgets a counter 15 minutes after its last one. One per program, on its event loop.

    An attempt counts as failed from its start, until `note_success` takes it back: otherwise a thousand guesses
    sent at once would all pass before the first of them has failed.
    """

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def admit(self, *, account: str, address: str, now: Instant) -> Instant:
        """0: go on, the attempt is counted. Otherwise: microseconds to wait; this attempt is refused."""
        keys = tuple(_keys(account, address))
        waits = [count.open_at - now for key, _ in keys if (count := self._counts.get(key)) is not None]
        if (wait := max(waits, default=0)) > 0:
            return wait
        for key, patience in keys:
            self._count(key, patience, now)
        while len(self._counts) > self._capacity:
            self._counts.popitem(last=False)
        return 0

    def note_success(self, *, account: str, address: str) -> None:
        """Forgets the pair, and takes this attempt back elsewhere: an attacker's own account clears no address."""
        self.take_back(account=account, address=address)
        self._counts.pop((account, _network(address)), None)

    def take_back(self, *, account: str, address: str) -> None:
        """This attempt was not judged, so it does not count."""
        for key, _ in _keys(account, address):
            if (count := self._counts.get(key)) is not None:
                count.failures = max(0, count.failures - 1)
                count.open_at = 0

    def _count(self, key: tuple[str, str], patience: Patience, now: Instant) -> None:
        count = self._counts.setdefault(key, _Count())
        if now - count.failed_at > FORGET_AFTER:
            count.failures = 0
        count.failures += 1
        count.failed_at = now
        count.open_at = now + patience.wait(count.failures)
        self._counts.move_to_end(key)


def _keys(account: str, address: str) -> Iterator[tuple[tuple[str, str], Patience]]:
    network = _network(address)
    yield (account, network), PAIR
    yield ("", network), ADDRESS
    yield (account, ""), ACCOUNT


def _network(address: str) -> str:
    """One host: an IPv4 address, or the /64 that an IPv6 host may choose from freely. Never empty."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "?"
    if parsed.version == 4:
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
