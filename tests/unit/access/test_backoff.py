from distributedjob.access.backoff import LoginBackoff
from distributedjob.cache.local import LocalCache
from distributedjob.model.instant import MINUTE, SECOND, Instant

NOW = 1_800_000_000 * SECOND


async def fail(backoff: LoginBackoff, times: int, *, account: str = "admin", address: str = "192.0.2.1") -> Instant:
    """Fail as often as the waits allow, as soon as they allow it; gives the time afterwards."""
    now = NOW
    for _ in range(times):
        while pause := await backoff.admit(account=account, address=address, now=now):
            now += pause
    return now


async def wait(backoff: LoginBackoff, now: Instant, *, account: str = "admin", address: str = "192.0.2.1") -> Instant:
    return await backoff.admit(account=account, address=address, now=now)


async def test_three_failures_cost_no_wait():
    backoff = LoginBackoff(LocalCache())

    assert [await wait(backoff, NOW) for _ in range(4)] == [0, 0, 0, 0]


async def test_the_fourth_failure_costs_a_second_and_each_later_one_twice_as_much():
    waits = []
    for failures in (4, 5, 6):
        backoff = LoginBackoff(LocalCache())
        waits.append(await wait(backoff, await fail(backoff, failures)))

    assert waits == [SECOND, 2 * SECOND, 4 * SECOND]


async def test_the_tenth_failure_locks_the_account_for_this_address_for_15_minutes():
    backoff = LoginBackoff(LocalCache())
    now = await fail(backoff, 10)

    assert await wait(backoff, now) == 15 * MINUTE


async def test_a_lock_leaves_the_account_open_to_other_addresses():
    backoff = LoginBackoff(LocalCache())
    now = await fail(backoff, 10)

    assert await wait(backoff, now, address="198.51.100.7") == 0


async def test_one_address_cannot_lock_everyone():
    backoff = LoginBackoff(LocalCache())
    for number in range(3000):
        await wait(backoff, NOW + number * SECOND, account=f"user{number % 50}", address="192.0.2.1")

    later = NOW + 3000 * SECOND
    waits = [await wait(backoff, later, account=f"user{n}", address=f"198.51.100.{n}") for n in range(50)]

    assert waits == [0] * 50


async def test_ten_thousand_guesses_in_ten_minutes_get_few_chances():
    backoff = LoginBackoff(LocalCache())
    admitted = sum([await wait(backoff, NOW + number * 60_000) == 0 for number in range(10_000)])

    assert admitted == 10


async def test_guesses_sent_at_once_get_no_more_chances_than_one_by_one():
    backoff = LoginBackoff(LocalCache())

    assert sum([await wait(backoff, NOW) == 0 for _ in range(1000)]) == 4


async def test_guesses_over_many_accounts_slow_their_address_down():
    backoff = LoginBackoff(LocalCache())
    admitted = sum([await wait(backoff, NOW, account=f"user{number}") == 0 for number in range(1000)])

    assert admitted == 31


async def test_guesses_from_many_addresses_slow_down_to_a_crawl():
    backoff = LoginBackoff(LocalCache())
    addresses = [f"192.0.{number // 256}.{number % 256}" for number in range(1000)]
    admitted = sum([await wait(backoff, NOW, address=address) == 0 for address in addresses])

    assert admitted == 101


async def test_a_guessing_crowd_delays_the_owner_by_seconds_only():
    backoff = LoginBackoff(LocalCache())
    for number in range(1000):
        await wait(backoff, NOW, address=f"192.0.{number // 256}.{number % 256}")

    assert await wait(backoff, NOW, address="198.51.100.7") <= 5 * SECOND


async def test_an_ipv6_host_cannot_escape_by_changing_its_address():
    backoff = LoginBackoff(LocalCache())
    for number in range(20):
        await wait(backoff, NOW, address=f"2001:db8::{number:x}")

    assert await wait(backoff, NOW, address="2001:db8::ffff") > 0


async def test_a_success_forgets_the_failures_of_the_pair():
    backoff = LoginBackoff(LocalCache())
    now = await fail(backoff, 6)
    await backoff.note_success(account="admin", address="192.0.2.1")

    assert await wait(backoff, now) == 0


async def test_an_attackers_own_login_does_not_clear_the_address():
    backoff = LoginBackoff(LocalCache())
    for number in range(40):
        await wait(backoff, NOW, account=f"user{number}")
        if await wait(backoff, NOW, account="mine") == 0:
            await backoff.note_success(account="mine", address="192.0.2.1")

    assert await wait(backoff, NOW, account="user99") > 0


async def test_failures_are_forgotten_after_15_quiet_minutes():
    backoff = LoginBackoff(LocalCache())
    now = await fail(backoff, 9) + 16 * MINUTE
    await wait(backoff, now)

    assert await wait(backoff, now) == 0


async def test_memory_is_bounded():
    cache = LocalCache(capacity=100)
    backoff = LoginBackoff(cache)
    for number in range(1000):
        await wait(backoff, NOW, account=f"user{number}", address=f"192.0.2.{number % 250}")

    assert len(cache._counts) <= 100


async def test_an_attempt_that_was_not_judged_is_not_counted():
    backoff = LoginBackoff(LocalCache())
    for _ in range(20):
        assert await wait(backoff, NOW) == 0
        await backoff.take_back(account="admin", address="192.0.2.1")


async def test_attempts_that_were_not_judged_leave_the_failures_before_them():
    backoff = LoginBackoff(LocalCache())
    now = await fail(backoff, 9)
    now += await wait(backoff, now)
    assert await wait(backoff, now) == 0
    await backoff.take_back(account="admin", address="192.0.2.1")
    await wait(backoff, now)

    assert await wait(backoff, now) == 15 * MINUTE
