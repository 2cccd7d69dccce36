"""The fires of the next two seconds, in order; the latest word on a schedule counts."""

from distributedjob.scheduler.window import AHEAD, Window

A, B = 1, 2


def window(*entries: tuple[int, int]) -> Window:
    made = Window()
    for schedule_id, fire_at in entries:
        made.put(schedule_id, fire_at)
    return made


def test_what_is_due_is_taken_in_order() -> None:
    assert window((A, 20), (B, 10), (3, 30)).take_due(25, limit=9) == [B, A]


def test_what_is_due_this_very_moment_is_due() -> None:
    assert window((A, 20)).take_due(20, limit=9) == [A]


def test_no_more_are_taken_than_wanted() -> None:
    made = window((A, 10), (B, 11))
    assert (made.take_due(50, limit=1), made.take_due(50, limit=1)) == ([A], [B])


def test_the_earliest_fire_is_known() -> None:
    assert (window((A, 20), (B, 10)).next_at, window().next_at) == (10, None)


def test_a_later_word_replaces_an_earlier_one() -> None:
    made = window((A, 10), (A, 30))
    assert (made.take_due(20, limit=9), made.next_at, len(made)) == ([], 30, 1)


def test_an_earlier_instant_may_be_the_later_word() -> None:
    made = window((A, 30), (A, 10))
    assert (made.take_due(20, limit=9), made.next_at) == ([A], None)


def test_saying_the_same_twice_records_once() -> None:
    assert window((A, 10), (A, 10)).take_due(20, limit=9) == [A]


def test_words_about_what_is_being_recorded_are_ignored() -> None:
    made = window((A, 10))
    made.take_due(20, limit=9)
    made.put(A, 10)
    assert (made.next_at, made.take_due(20, limit=9)) == (None, [])


def test_after_recording_the_new_cursor_counts() -> None:
    made = window((A, 10))
    made.take_due(20, limit=9)
    made.done([A], [(A, 40)], until=AHEAD)
    assert made.next_at == 40


def test_a_cursor_beyond_the_window_is_left_to_the_next_read() -> None:
    made = window((A, 10))
    made.take_due(20, limit=9)
    made.done([A], [(A, AHEAD + 1)], until=AHEAD)
    assert (made.next_at, len(made)) == (None, 0)


def test_a_recording_that_failed_leaves_the_schedule_to_the_next_read() -> None:
    made = window((A, 10))
    made.take_due(20, limit=9)
    made.done([A], [], until=AHEAD)
    made.put(A, 10)
    assert made.take_due(20, limit=9) == [A]


def test_a_schedule_without_a_cursor_leaves_the_window() -> None:
    made = window((A, 10))
    made.take_due(20, limit=9)
    made.done([A], [(A, None)], until=AHEAD)
    assert len(made) == 0


def test_an_old_word_that_was_read_before_the_recording_does_not_hide_the_new_cursor() -> None:
    made = window((A, 10))
    made.take_due(20, limit=9)
    made.done([A], [(A, 40)], until=AHEAD)
    made.put(A, 10)  # a read that began before the cursor moved
    assert made.take_due(20, limit=9) == [A]
    made.done([A], [(A, 40)], until=AHEAD)  # nothing was due; its row told where it stands
    assert made.next_at == 40


def test_what_is_no_longer_ours_is_forgotten() -> None:
    made = window((A, 10), (B, 20))
    made.keep([B])
    assert (made.next_at, len(made)) == (20, 1)


def test_what_is_being_recorded_comes_back_and_is_forgotten_next_time() -> None:
    made = window((A, 10))
    made.take_due(10, limit=9)
    made.keep([])
    made.done([A], [(A, 20)], until=AHEAD)
    back = made.next_at
    made.keep([])
    assert (back, made.next_at) == (20, None)
