"""Which release of the zone data this machine has; `zoneinfo` itself does not tell."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import TZPATH


def zone_data_version() -> str:
    """The release of the zone data in use, such as `2026a`; `unknown` where nothing tells it.

    Compare it with the one that cursors were computed with: another release may move fires.
    """
    for folder in TZPATH:
        release = Path(folder, "tzdata.zi")
        if release.is_file():
            with release.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version ").strip()
    try:
        return version("tzdata")
    except PackageNotFoundError:
        return "unknown"
