"""What guessing passwords costs: waits that grow with each failure, counted by account and by address.

Three counters, each with its own patience:

- *(account, address)*: three failures are free, then waits double; the tenth locks the pair for 15 minutes.
- *address*: thirty failures over all accounts are free, then each costs that address a wait of up to a minute.
- *account*: one hundred failures from all addresses are free, then every login to it waits, for a few seconds only.

So nobody can lock an account for everybody else, and a crowd of addresses still gets no faster than a crawl. Unknown
names count like known ones. The counters live in the cache: with Redis all nodes count together, so that guessing at
three nodes is no faster than at one. A write to the database per failure would let strangers load it, and would tell
known accounts from unknown ones by time.
"""

import hashlib
import ipaddress

from distributedjob.cache.port import Cache, Counter
from distributedjob.model.instant import MINUTE, SECOND, Instant
from distributedjob.rules.patience import Patience

PAIR = Patience(free=3, cap=MINUTE, lock_at=10, lock=15 * MINUTE)
ADDRESS = Patience(free=30, cap=MINUTE)
ACCOUNT = Patience(free=100, cap=5 * SECOND)


class LoginBackoff:
    """Counts attempts; forgets a counter 15 minutes after its last one.

    An attempt counts as failed from its start, until `note_success` takes it back: otherwise a thousand guesses
    sent at once would all pass before the first of them has failed.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def admit(self, *, account: str, address: str, now: Instant) -> Instant:
        """0: go on, the attempt is counted. Otherwise: microseconds to wait; this attempt is refused."""
        return await self._cache.admit(_counters(account, address), now=now)

    async def note_success(self, *, account: str, address: str) -> None:
        """Forgets the pair, and takes this attempt back elsewhere: an attacker's own account clears no address."""
        await self.take_back(account=account, address=address)
        await self._cache.forget([_counters(account, address)[0].name])

    async def take_back(self, *, account: str, address: str) -> None:
        """This attempt was not judged, so it does not count."""
        await self._cache.take_back([counter.name for counter in _counters(account, address)])


def _counters(account: str, address: str) -> tuple[Counter, Counter, Counter]:
    network = network_of(address)
    # Whatever somebody types as a name becomes a short one without separators.
    name = hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return (
        Counter(f"login:{name}:{network}", PAIR),
        Counter(f"login::{network}", ADDRESS),
        Counter(f"login:{name}:", ACCOUNT),
    )


def network_of(address: str) -> str:
    """One host: an IPv4 address, or the /64 that an IPv6 host may choose from freely. Never empty."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "?"
    if parsed.version == 4:
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
