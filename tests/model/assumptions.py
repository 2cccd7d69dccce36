"""What one search assumes: how much there is of everything, what may go wrong, which rules are broken on purpose."""

from dataclasses import dataclass, field

from model.world import INSIDE, OUTSIDE, PENDING, Row, Scheduler, Worker, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """`fires` of one schedule and `manual` runs of its task. `faults` and `wishes` bound how often the steps named in
    `may` are taken; steps that heal are never bounded."""

    name: str
    about: str
    fires: int = 0
    manual: int = 0
    recorded: int = 0
    """Executions that are pending from the start."""
    workers: int = 2
    schedulers: int = 1
    attempts: int = 2
    at_most_once: bool = False
    overlap: str = ""
    """skip, wait, replace or limit; empty: no gate."""
    gate_later: bool = False
    """The gate is turned on by a save while executions are under way."""
    max_fires: int = -1
    from_end: bool = False
    misfires: bool = False
    windows: bool = False
    """Schedulers look for due fires without a lock first, and may freeze in the transaction that follows."""
    hinted: bool = False
    """Hints are followed one by one; else any worker may try to claim anything at any time, which covers hints that
    are repeated or forged, and the pull."""
    embedded: bool = False
    """Scheduler n and worker n share a process, and a fire may be recorded as already claimed."""
    lying_clocks: bool = False
    """Sessions are declared dead at any moment, and the last look always passes."""
    faults: int = 0
    wishes: int = 0
    may: frozenset[str] = frozenset()
    broken: frozenset[str] = field(default=frozenset())

    def start(self) -> World:
        entry = INSIDE if self.overlap and not self.gate_later else OUTSIDE
        waiting = Row(PENDING, entry=entry, hinted=int(self.hinted))
        return World(
            cursor=0,
            lock=0,
            left=self.max_fires,
            awaited=-1,
            gated=int(bool(self.overlap) and not self.gate_later),
            count=0,
            rows=(waiting,) * self.recorded + (Row(),) * (self.fires + self.manual),
            decided=(0,) * self.fires,
            workers=(Worker(),) * self.workers,
            schedulers=(Scheduler(),) * self.schedulers,
            faults=self.faults,
            wishes=self.wishes,
        )

    def row_of(self, fire: int) -> int:
        return self.recorded + fire

    @property
    def first_manual(self) -> int:
        return self.recorded + self.fires
