"""Others are judged by their beats on the own boot clock, and only while the own beats succeed."""

from distributedjob.cluster.observer import Observer

ME, OTHER, THIRD = 1, 2, 3
SECOND = 1_000_000


class Watch:
    """An observer and what it reads, second by second."""

    def __init__(self) -> None:
        self.observer = Observer(ME)
        self.beats = {ME: 1, OTHER: 1}
        self.now = 100 * SECOND
        self.look()

    def look(self) -> None:
        self.observer.note(self.beats.items(), at=self.now)

    def passes(self, seconds: int, *, alive: tuple[int, ...] = (ME,), step: float = 1) -> None:
        """Time passes while these beat, and the observer looks once per `step` seconds."""
        until = self.now + seconds * SECOND
        while self.now < until:
            self.now += round(step * SECOND)
            for session in alive:
                self.beats[session] += 1
            self.look()

    @property
    def dead(self) -> list[int]:
        return [session for session, _ in self.observer.dead()]


def test_whoever_is_seen_for_the_first_time_counts() -> None:
    assert Watch().observer.live() == (ME, OTHER)


def test_whoever_beats_goes_on_counting() -> None:
    watch = Watch()
    watch.passes(60, alive=(ME, OTHER))
    assert (watch.observer.live(), watch.dead) == ((ME, OTHER), [])


def test_without_a_beat_for_six_seconds_nobody_is_an_owner() -> None:
    watch = Watch()
    watch.passes(5)
    before = watch.observer.live()
    watch.passes(1)
    assert (before, watch.observer.live(), watch.dead) == ((ME, OTHER), (ME,), [])


def test_without_a_beat_for_fifteen_seconds_a_session_is_dead() -> None:
    watch = Watch()
    watch.passes(14)
    before = watch.dead
    watch.passes(1)
    assert (before, watch.dead) == ([], [OTHER])


def test_the_beat_that_was_seen_is_named() -> None:
    watch = Watch()
    watch.beats[OTHER] = 41
    watch.look()
    watch.passes(15)
    assert watch.observer.dead() == [(OTHER, 41)]


def test_one_beat_in_time_is_enough() -> None:
    watch = Watch()
    watch.passes(14)
    watch.passes(1, alive=(ME, OTHER))
    watch.passes(14)
    assert watch.dead == []


def test_a_gap_in_the_own_beats_makes_all_observation_void() -> None:
    watch = Watch()
    watch.passes(14)
    watch.now += 3 * SECOND  # the database was away
    watch.look()
    watch.passes(14)
    assert watch.dead == []


def test_an_outage_however_long_kills_nobody() -> None:
    watch = Watch()
    watch.now += 3600 * SECOND
    watch.look()
    assert (watch.dead, watch.observer.live()) == ([], (ME, OTHER))


def test_beats_that_are_too_slow_judge_nobody() -> None:
    watch = Watch()
    watch.passes(60, step=2.5)
    assert watch.dead == []


def test_nobody_judges_itself() -> None:
    watch = Watch()
    watch.passes(60, alive=())
    assert ME not in watch.dead
    assert ME in watch.observer.live()


def test_a_session_that_ended_is_forgotten() -> None:
    watch = Watch()
    del watch.beats[OTHER]
    watch.passes(1)
    assert (watch.observer.live(), watch.dead) == ((ME,), [])
