from distributedjob.model.schedule import CronTiming, OnceTiming
from distributedjob.timing.zones import block_bounds, block_of, get_zone, jumps_between, shown_zone


def test_the_jumps_of_berlin_in_2026():
    start, end = 1_767_225_600, 1_798_761_600
    assert [(jump.at, jump.width) for jump in jumps_between("Europe/Berlin", start, end)] == [
        (1_774_746_000, 3600),  # 2026-03-29T01:00:00Z
        (1_792_890_000, -3600),  # 2026-10-25T01:00:00Z
    ]


def test_a_jump_at_the_start_belongs_to_the_stretch_and_one_at_the_end_does_not():
    spring, autumn = 1_774_746_000, 1_792_890_000
    assert [jump.at for jump in jumps_between("Europe/Berlin", spring, autumn)] == [spring]


def test_utc_never_jumps():
    assert jumps_between("UTC", 0, 4_000_000_000) == ()


def test_blocks_follow_each_other():
    assert block_bounds(3)[1] == block_bounds(4)[0]


def test_a_block_holds_its_start_and_not_its_end():
    start, end = block_bounds(14)
    assert (block_of(start), block_of(end - 1), block_of(end)) == (14, 14, 15)


def test_instants_outside_all_blocks_belong_to_the_nearest():
    assert (block_of(-1), block_of(10**11)) == (0, 57)


def test_a_cron_schedule_is_read_in_its_zone():
    assert shown_zone(CronTiming("* * * * *", time_zone="Asia/Tokyo")) is get_zone("Asia/Tokyo")


def test_other_schedules_are_read_in_utc():
    assert str(shown_zone(OnceTiming(0))) == "UTC"
