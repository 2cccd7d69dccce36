import re

from distributedjob.runtime.zone_data import zone_data_version


def test_the_release_of_the_zone_data_is_known():
    assert re.fullmatch(r"20\d\d[a-z.].*", zone_data_version())
