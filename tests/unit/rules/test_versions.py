"""Neighbouring minor versions run together, and no others."""

import pytest

from distributedjob.rules.versions import Version, may_run_together, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.1.0", Version(0, 1, 0)),
        ("12.34.56", Version(12, 34, 56)),
        ("1.4.0rc1", Version(1, 4, 0)),
        ("1.4.0.dev3+local.1", Version(1, 4, 0)),
    ],
)
def test_a_version_is_read(text: str, version: Version) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "1", "1.4", "v1.4.0", "1.4.x", "01.4.0", "1.4.0 ", "1.-4.0", "1.4.9999999"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version such as"):
        parse_version(text)


@pytest.mark.parametrize(
    ("other", "together"),
    [("1.4.0", True), ("1.4.9", True), ("1.3.0", True), ("1.5.2", True), ("1.2.9", False), ("1.6.0", False)],
)
def test_neighbouring_minor_versions_run_together(other: str, together: bool) -> None:
    assert may_run_together(parse_version("1.4.3"), parse_version(other)) == together


def test_major_versions_never_run_together() -> None:
    assert not may_run_together(parse_version("1.4.0"), parse_version("2.4.0"))


def test_versions_are_ordered_by_their_numbers() -> None:
    assert parse_version("0.9.0") < parse_version("0.10.0") < parse_version("1.0.0")
