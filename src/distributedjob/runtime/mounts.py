"""Which file systems are another machine's: their locks, and what `fsync` means there, may not be relied on."""

from pathlib import Path

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.ceph", "glusterfs", "fuse.glusterfs", "beegfs"}
    | {"fuse.sshfs", "fuse.s3fs", "fuse.rclone", "lustre", "gfs2", "ocfs2"}
)
MOUNTS = Path("/proc/self/mountinfo")


def find_network_mount(path: Path, *, mounts: Path = MOUNTS) -> str | None:
    """The kind of the network file system that `path` lies on; None for a local one, or where nobody can tell."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    target = path.resolve()
    found: tuple[int, str] = (-1, "")
    for line in lines:
        place, kind = _mount_of(line)
        if target.is_relative_to(place) and len(place.parts) >= found[0]:
            found = len(place.parts), kind
    return found[1] if found[1] in NETWORK else None


def _mount_of(line: str) -> tuple[Path, str]:
    """(mount point, kind) of one line: `36 35 98:0 /root /mount options … - kind source options`."""
    before, _, after = line.partition(" - ")
    place = before.split(" ")[4].replace("\\040", " ") if before.count(" ") >= 4 else "/nowhere"
    return Path(place), after.partition(" ")[0]
