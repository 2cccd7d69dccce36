"""How late a call is that nothing keeps from being on time: 200 fires a second, evenly spread or all at once.

Open loop: fire times are set beforehand, so a slow program cannot slow its own measurement. Lateness is from the fire
time to the whole request at the sink.
"""

from collections.abc import Callable
from statistics import median

from bench.arrivals import Verdict, judge
from bench.database import open_sqlite
from bench.floor import run_floor
from bench.load import Load, evenly, every_second
from bench.report import Figure, at_most
from bench.settings import Mode
from bench.sink import Sink
from bench.trial import now, run_trial
from distributedjob.model.instant import SECOND

RATE = 200
FLOOR_SECONDS = 4
LEAD_SECONDS = 2


def measure(mode: Mode, sink: Sink) -> list[Figure]:
    spread, spread_floor = _verdicts(evenly, mode, sink)
    same, same_floor = _verdicts(every_second, mode, sink)
    return [
        _figure("lateness p50, 200/s spread", [v.p50 for v in spread], limit=6, floor=spread_floor.p50),
        _figure("lateness p99, 200/s spread", [v.p99 for v in spread], limit=20, floor=spread_floor.p99),
        _figure("last of 200 at one second", [v.last for v in same], limit=100, floor=same_floor.last),
        Figure("lost or doubled at 200/s", sum(v.lost + v.doubled for v in spread + same), "fires", at_most(0)),
    ]


def floor_of(load: Load, *, sink: Sink, seconds: int) -> Verdict:
    """The same load made by a bare timer."""
    since = len(sink.log)
    run_floor(load, sink_url=sink.url, seconds=seconds)
    expected = load.fires(load.first_at, load.first_at + seconds * SECOND)
    return judge(sink.log.collect(expected, since=since, timeout_seconds=2), expected=expected)


def _verdicts(shape: Callable[..., Load], mode: Mode, sink: Sink) -> tuple[list[Verdict], Verdict]:
    trials = [
        run_trial(
            lambda first_at: shape(RATE, first_at=first_at),
            tasks=RATE,
            seconds=mode.lateness_seconds,
            sink=sink,
            open_database=open_sqlite,
        )
        for _ in range(mode.repeats)
    ]
    floor = floor_of(shape(RATE, first_at=now() + LEAD_SECONDS * SECOND), sink=sink, seconds=FLOOR_SECONDS)
    return [trial.verdict for trial in trials], floor


def _figure(name: str, values: list[float], *, limit: float, floor: float) -> Figure:
    note = f"{len(values)} runs: {', '.join(f'{value:.1f}' for value in values)}" if len(values) > 1 else ""
    return Figure(name, median(values), "ms", at_most(limit), floor, note)
