"""What one next fire costs, over all entries of `bench.timing`; the floor is cronsim where it knows the entry."""

from statistics import median

from bench.report import Figure
from bench.settings import Mode
from bench.sink import Sink
from bench.timing import ENTRIES, theirs, through_the_schedule


def measure(_mode: Mode, _sink: Sink) -> list[Figure]:
    ours = {entry: through_the_schedule(*entry) for entry in ENTRIES}
    others = [cost for entry in ENTRIES if (cost := theirs(*entry)) is not None]
    slowest = max(ours, key=lambda entry: ours[entry])
    note = f"slowest {slowest[0]} in {slowest[1]} with {ours[slowest]:.1f} µs; the floor here is cronsim"
    return [Figure("next fire of an expression, median", median(ours.values()), "µs", floor=median(others), note=note)]
