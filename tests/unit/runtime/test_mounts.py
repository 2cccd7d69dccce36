"""A folder on another machine is found by its mount."""

from pathlib import Path

import pytest

from distributedjob.runtime.mounts import find_network_mount

TABLE = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
45 22 0:40 / /srv rw,relatime shared:2 - nfs4 files:/srv rw,vers=4.2
46 45 254:2 / /srv/local rw,relatime shared:3 - xfs /dev/vdb rw
47 22 0:41 / /mnt/with\\040space rw - cifs //files/share rw
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(TABLE)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/distributedjob", None),
        ("/srv/distributedjob", "nfs4"),
        ("/srv/local/distributedjob", None),
        ("/srvice", None),
        ("/mnt/with space/x", "cifs"),
    ],
)
def test_the_innermost_mount_counts(mounts: Path, path: str, kind: str | None) -> None:
    assert find_network_mount(Path(path), mounts=mounts) == kind


def test_where_nobody_can_tell_there_is_no_network(tmp_path: Path) -> None:
    assert find_network_mount(tmp_path, mounts=tmp_path / "nothing") is None


def test_this_machines_own_table_is_read(tmp_path: Path) -> None:
    assert find_network_mount(tmp_path) is None
