"""Hints are relied on after two seconds without trouble, given up at the first, and each change is told once."""

from dataclasses import dataclass, field

from distributedjob.dispatch.kafka.flow import SOUND_FOR, START_SECONDS, TELL_AFTER, HintFlow


@dataclass
class Weather:
    """A flow with its time and its trouble in the test's hand."""

    now: float = 100.0
    trouble: str = ""
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flow = HintFlow(trouble=lambda: self.trouble, clock=lambda: self.now, on_change=self.told.append)

    def after(self, seconds: float) -> bool:
        """Whether hints flow then; asked ten times a second, as the puller does."""
        end = self.now + seconds
        while self.now + 0.1 < end:
            self.now += 0.1
            self.flow()
        self.now = end
        return self.flow()


def flowing() -> Weather:
    weather = Weather()
    assert weather.after(SOUND_FOR + 0.2)
    return weather


def test_hints_are_not_relied_on_at_once():
    weather = Weather()
    assert (weather.flow(), weather.after(SOUND_FOR)) == (False, True)


def test_the_first_trouble_ends_it():
    weather = flowing()
    weather.trouble = "away"
    assert not weather.flow()


def test_a_trouble_in_between_starts_the_wait_anew():
    weather = flowing()
    weather.trouble = "away"
    weather.after(0.1)
    weather.trouble = ""
    assert (weather.after(SOUND_FOR - 0.2), weather.after(0.4)) == (False, True)


def test_a_loss_and_its_end_are_told_once_each():
    weather = flowing()
    weather.trouble = "away"
    weather.after(60)
    weather.trouble = ""
    weather.after(60)
    assert weather.told == ["away", ""]


def test_a_trouble_of_a_moment_is_not_told():
    weather = flowing()
    weather.trouble = "away"
    weather.after(TELL_AFTER - 0.5)
    weather.trouble = ""
    weather.after(60)
    assert weather.told == []


def test_a_start_without_trouble_is_not_told():
    weather = Weather()
    weather.after(60)
    assert weather.told == []


def test_what_is_not_there_at_the_start_has_some_seconds_to_come():
    weather = Weather(trouble="away")
    weather.after(START_SECONDS - 1)
    early = list(weather.told)
    weather.after(2)
    assert (early, weather.told) == ([], ["away"])
