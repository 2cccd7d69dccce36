from distributedjob.access.backoff import LoginBackoff
from distributedjob.model.instant import MINUTE, SECOND, Instant

NOW = 1_800_000_000 * SECOND


def fail(backoff: LoginBackoff, times: int, *, account: str = "admin", address: str = "192.0.2.1") -> Instant:
    """Fail as often as the waits allow, as soon as they allow it; gives the time afterwards."""
    now = NOW
    for _ in range(times):
        while pause := backoff.admit(account=account, address=address, now=now):
            now += pause
    return now


def wait(backoff: LoginBackoff, now: Instant, *, account: str = "admin", address: str = "192.0.2.1") -> Instant:
    return backoff.admit(account=account, address=address, now=now)


def test_three_failures_cost_no_wait():
    backoff = LoginBackoff()

    assert [wait(backoff, NOW) for _ in range(4)] == [0, 0, 0, 0]


def test_the_fourth_failure_costs_a_second_and_each_later_one_twice_as_much():
    waits = []
    for failures in (4, 5, 6):
        backoff = LoginBackoff()
        waits.append(wait(backoff, fail(backoff, failures)))

    assert waits == [SECOND, 2 * SECOND, 4 * SECOND]


def test_the_tenth_failure_locks_the_account_for_this_address_for_15_minutes():
    backoff = LoginBackoff()
    now = fail(backoff, 10)

    assert wait(backoff, now) == 15 * MINUTE


def test_a_lock_leaves_the_account_open_to_other_addresses():
    backoff = LoginBackoff()
    now = fail(backoff, 10)

    assert wait(backoff, now, address="198.51.100.7") == 0


def test_one_address_cannot_lock_everyone():
    backoff = LoginBackoff()
    for number in range(3000):
        wait(backoff, NOW + number * SECOND, account=f"user{number % 50}", address="192.0.2.1")

    later = NOW + 3000 * SECOND
    waits = [wait(backoff, later, account=f"user{n}", address=f"198.51.100.{n}") for n in range(50)]

    assert waits == [0] * 50


def test_ten_thousand_guesses_in_ten_minutes_get_few_chances():
    backoff = LoginBackoff()
    admitted = sum(wait(backoff, NOW + number * 60_000) == 0 for number in range(10_000))

    assert admitted == 10


def test_guesses_sent_at_once_get_no_more_chances_than_one_by_one():
    backoff = LoginBackoff()

    assert sum(wait(backoff, NOW) == 0 for _ in range(1000)) == 4


def test_guesses_over_many_accounts_slow_their_address_down():
    backoff = LoginBackoff()
    admitted = sum(wait(backoff, NOW, account=f"user{number}") == 0 for number in range(1000))

    assert admitted == 31


def test_guesses_from_many_addresses_slow_down_to_a_crawl():
    backoff = LoginBackoff()
    admitted = sum(wait(backoff, NOW, address=f"192.0.{number // 256}.{number % 256}") == 0 for number in range(1000))

    assert admitted == 101


def test_a_guessing_crowd_delays_the_owner_by_seconds_only():
    backoff = LoginBackoff()
    for number in range(1000):
        wait(backoff, NOW, address=f"192.0.{number // 256}.{number % 256}")

    assert wait(backoff, NOW, address="198.51.100.7") <= 5 * SECOND


def test_an_ipv6_host_cannot_escape_by_changing_its_address():
    backoff = LoginBackoff()
    for number in range(20):
        wait(backoff, NOW, address=f"2001:db8::{number:x}")

    assert wait(backoff, NOW, address="2001:db8::ffff") > 0


def test_a_success_forgets_the_failures_of_the_pair():
    backoff = LoginBackoff()
    now = fail(backoff, 6)
    backoff.note_success(account="admin", address="192.0.2.1")

    assert wait(backoff, now) == 0


def test_an_attackers_own_login_does_not_clear_the_address():
    backoff = LoginBackoff()
    for number in range(40):
        wait(backoff, NOW, account=f"user{number}")
        if wait(backoff, NOW, account="mine") == 0:
            backoff.note_success(account="mine", address="192.0.2.1")

    assert wait(backoff, NOW, account="user99") > 0


def test_failures_are_forgotten_after_15_quiet_minutes():
    backoff = LoginBackoff()
    now = fail(backoff, 9) + 16 * MINUTE
    wait(backoff, now)

    assert wait(backoff, now) == 0


def test_memory_is_bounded():
    backoff = LoginBackoff(capacity=100)
    for number in range(1000):
        wait(backoff, NOW, account=f"user{number}", address=f"192.0.2.{number % 250}")

    assert len(backoff._counts) <= 100


def test_an_attempt_that_was_not_judged_is_not_counted():
    backoff = LoginBackoff()
    for _ in range(20):
        assert wait(backoff, NOW) == 0
        backoff.take_back(account="admin", address="192.0.2.1")


def test_attempts_that_were_not_judged_leave_the_failures_before_them():
    backoff = LoginBackoff()
    now = fail(backoff, 9)
    now += wait(backoff, now)
    assert wait(backoff, now) == 0
    backoff.take_back(account="admin", address="192.0.2.1")
    wait(backoff, now)

    assert wait(backoff, now) == 15 * MINUTE
