"""Whether hints can be relied on: while they can, the pull only heals; while they cannot, it brings all the work."""

from collections.abc import Callable

LOST_AFTER = 2.0
"""A consumer without partitions for so many seconds gets no hints: Kafka is away, or it has more workers than
partitions."""

LATE_SECONDS = 2.0
"""For so long after a hint that was too old the work is pulled, oldest first: hints bring the newest first then, since
the older ones are dropped."""

SOUND_FOR = 2.0
"""Hints are relied on again after so many seconds without trouble."""

TELL_AFTER = 2.0
START_SECONDS = 5.0
"""What is not there at once when a node starts is no loss yet; later, a shorter trouble is not worth a line."""


class HintFlow:
    """Judged each time it is asked, on a monotonic clock.

    `trouble` gives what is wrong now, or an empty text; `on_change` is told why hints do not flow, and by an empty
    text that they flow again.
    """

    def __init__(
        self, *, trouble: Callable[[], str], clock: Callable[[], float], on_change: Callable[[str], None]
    ) -> None:
        self._trouble = trouble
        self._clock = clock
        self._on_change = on_change
        self._patience = START_SECONDS
        self._since = clock()
        """When what is so now began: trouble, or soundness."""
        self._sound = False
        self._told = False

    def __call__(self) -> bool:
        """Whether hints flow."""
        now, trouble = self._clock(), self._trouble()
        if self._sound is bool(trouble):
            self._sound, self._since = not trouble, now
        flows = self._sound and now - self._since >= SOUND_FOR
        if flows:
            self._patience = TELL_AFTER
        if flows if self._told else trouble and now - self._since >= self._patience:
            self._told = not self._told
            self._on_change(trouble)
        return flows
