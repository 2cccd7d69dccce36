"""One process per SQLite file and per data folder, by whatever way they are named."""

from pathlib import Path

import pytest

from distributedjob.runtime.errors import AlreadyRunning
from distributedjob.store.alone import alone


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    return first, second


def sqlite(folder: Path, name: str = "distributedjob.db") -> str:
    return f"sqlite:///{folder / name}"


def refused(url: str, *, data_dir: Path) -> bool:
    try:
        with alone(url, data_dir=data_dir):
            return False
    except AlreadyRunning:
        return True


def test_a_file_is_held_whatever_the_data_folder(folders: tuple[Path, Path]) -> None:
    first, second = folders
    with alone(sqlite(first), data_dir=first):
        assert refused(sqlite(first), data_dir=second)


def test_a_file_is_held_under_another_name_too(folders: tuple[Path, Path]) -> None:
    first, second = folders
    (second / "link").symlink_to(first)
    with alone(sqlite(first), data_dir=first):
        assert refused(sqlite(second / "link"), data_dir=second)


def test_a_data_folder_is_held_whatever_the_file(folders: tuple[Path, Path]) -> None:
    first, second = folders
    with alone(sqlite(first), data_dir=first):
        assert refused(sqlite(second), data_dir=first)


def test_others_are_free_and_so_is_what_was_let_go(folders: tuple[Path, Path]) -> None:
    first, second = folders
    with alone(sqlite(first), data_dir=first):
        assert not refused(sqlite(second), data_dir=second)
    assert not refused(sqlite(first), data_dir=first)


def test_on_a_server_any_number_may_share_a_folder(folders: tuple[Path, Path]) -> None:
    with alone("mysql://u:p@db/x", data_dir=folders[0]):
        assert not refused("mysql://u:p@db/x", data_dir=folders[0])
