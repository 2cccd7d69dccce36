"""How far a worker claims ahead of its free slots, so that none stands idle while a claim is under way."""

WINDOW = 0.05
"""Seconds in which a slot must be expected to become free for what is claimed ahead."""

LARGEST_PART = 2
"""At most this part of all slots is claimed ahead."""

UNKNOWN = 10.0
"""What a call is taken to last while nothing is known. Seconds."""

WEIGHT = 1 / 32
"""Of the newest call in the mean."""

SHORTEST = 0.001


class Ahead:
    """By Little's law, slots become free at calls in the air ÷ mean seconds of a call.

    The mean, not the median: where some calls are long, it says that nothing is claimed ahead.
    """

    __slots__ = ("_largest", "_mean")

    def __init__(self, slots: int) -> None:
        self._largest = slots // LARGEST_PART
        self._mean = UNKNOWN

    def note(self, seconds: float) -> None:
        """A call has ended that held a slot for `seconds`."""
        self._mean += (seconds - self._mean) * WEIGHT

    def forget(self) -> None:
        """The calls do not end as they did: claim nothing ahead until some have."""
        self._mean = UNKNOWN

    def size(self, calls: int) -> int:
        """How many executions to hold beyond the slots while `calls` are in the air."""
        return min(self._largest, int(calls * WINDOW / max(SHORTEST, self._mean)))
