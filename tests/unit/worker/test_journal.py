"""The journal keeps whole results, in order, for whoever comes after its process."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from distributedjob.model.execution import Claimed
from distributedjob.worker.journal import Journal, find_orphans, read_results, session_of
from support.office import NOON, result_of_claim

SESSION = 4_611_686_018_427_387_905


def claimed(id_: int, fence: int = 1) -> Claimed:
    return Claimed(id_, 5, 6, 1, NOON, NOON, NOON + 1, fence, 1, 1, 0, NOON, NOON, 1)


def result(id_: int, fence: int = 1):
    return result_of_claim(claimed(id_, fence))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, session=SESSION)
    yield journal
    journal.close()


def test_results_read_back_as_they_were_appended(journal: Journal) -> None:
    journal.append([result(1), result(2)])
    journal.append([result(3, fence=9)])
    assert read_results(journal.path) == [result(1), result(2), result(3, fence=9)]


def test_a_line_that_a_crash_cut_is_ignored(journal: Journal) -> None:
    journal.append([result(1), result(2)])
    os.truncate(journal.path, journal.size - 5)
    assert read_results(journal.path) == [result(1)]


def test_a_result_that_was_appended_twice_is_read_once(journal: Journal) -> None:
    journal.append([result(1)])
    journal.append([result(1)])
    assert read_results(journal.path) == [result(1)]


def test_whichever_of_two_claims_was_kept_first_the_later_claim_is_read(journal: Journal) -> None:
    journal.append([result(1, fence=2), result(1, fence=1)])
    assert [kept.row.fence for kept in read_results(journal.path)] == [2]


def test_of_two_claims_of_one_execution_the_later_one_is_read(journal: Journal) -> None:
    journal.append([result(1, fence=1), result(1, fence=2)])
    assert read_results(journal.path) == [result(1, fence=2)]


def test_a_full_disk_leaves_no_half_line_to_swallow_the_next(journal: Journal) -> None:
    journal.append([result(1)])
    with limited_file_size(journal.size + 40), pytest.raises(OSError, match="too large"):
        journal.append([result(2)])
    journal.append([result(3)])
    assert read_results(journal.path) == [result(1), result(3)]


def test_clearing_leaves_nothing(journal: Journal) -> None:
    journal.append([result(1)])
    journal.clear()
    assert (journal.size, read_results(journal.path)) == (0, [])


def test_an_empty_journal_leaves_no_file(tmp_path: Path) -> None:
    Journal(tmp_path, session=SESSION).close()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_with_results_stays_for_the_next_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path, session=SESSION)
    journal.append([result(1)])
    journal.close()
    assert [read_results(path) for path in find_orphans(tmp_path)] == [[result(1)]]


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, session=SESSION)
    journal.close()
    with pytest.raises(OSError, match="closed"):
        journal.append([result(1)])


def test_the_journal_of_a_living_process_is_no_orphan(journal: Journal, tmp_path: Path) -> None:
    journal.append([result(1)])
    assert list(find_orphans(tmp_path)) == []


def test_a_journal_never_has_its_name_before_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[Path]] = []
    rename = Path.rename

    def look(self: Path, target: Path) -> Path:
        seen.append(list(find_orphans(tmp_path)))
        moved = rename(self, target)
        seen.append(list(find_orphans(tmp_path)))
        return moved

    monkeypatch.setattr(Path, "rename", look)
    Journal(tmp_path, session=SESSION).close()
    assert seen == [[], []]


def test_an_orphan_that_another_process_replayed_in_between_is_passed_over(tmp_path: Path) -> None:
    for session in (1, 2):
        journal = Journal(tmp_path, session=session)
        journal.append([result(session)])
        journal.close()
    orphans = find_orphans(tmp_path)
    first = next(orphans)
    for path in tmp_path.iterdir():
        if path != first:
            path.unlink()
    assert list(orphans) == []


def test_an_orphan_is_locked_while_it_is_replayed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, session=SESSION)
    journal.append([result(1)])
    journal.close()
    for _ in find_orphans(tmp_path):
        assert list(find_orphans(tmp_path)) == []


@pytest.mark.parametrize(("name", "session"), [("journal-17.jsonl", 17), ("journal-copy.jsonl", None)])
def test_the_name_tells_the_session(name: str, session: int | None) -> None:
    assert session_of(Path(name)) == session


class limited_file_size:  # noqa: N801 - reads as what it does
    """No file of this process grows beyond `size` bytes: what a full disk does, without filling one."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)
        signal.signal(signal.SIGXFSZ, self._handler)
