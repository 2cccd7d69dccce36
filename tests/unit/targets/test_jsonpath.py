"""Singular JSON paths, and equality of JSON values."""

import pytest

from distributedjob.targets.jsonpath import parse, same_json

DOCUMENT = {"a": {"b": [{"c": 1}, {"c": 2}], "odd name": True, "it's": 5, "k-e_y": 0, "": "empty"}, "ß": 3}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", (DOCUMENT,)),
        ("$.a.b[0].c", (1,)),
        ("$.a.b[-1]['c']", (2,)),
        ('$["a"]["odd name"]', (True,)),
        (r"$.a['it\'s']", (5,)),
        ("$.a.k-e_y", (0,)),
        ("$.a['']", ("empty",)),
        ("$.ß", (3,)),
        ("$.a.b[2]", ()),
        ("$.a.b[-3]", ()),
        ("$.a.b.c", ()),
        ("$.a[0]", ()),
        ("$.missing.more", ()),
    ],
)
def test_a_path_leads_to_one_value_or_nowhere(path, found):
    assert parse(path).find(DOCUMENT) == found


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a.b",
        "$..a",
        "$.*",
        "$[*]",
        "$.a[0:2]",
        "$.a[?(@.b==1)]",
        "$[0,1]",
        "$.a.",
        "$.a[",
        "$['a",
        "$[01]",
        "$[-0]",
        "$ .a",
    ],
)
def test_a_path_that_selects_more_than_one_value_or_is_broken_is_refused(path):
    with pytest.raises(ValueError, match="names and indices only"):
        parse(path)


def test_a_long_broken_path_is_refused_at_once():
    with pytest.raises(ValueError, match="is not understood"):
        parse("$['" + "\\\\" * 100_000)


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, 1.0), ("a", "a"), (None, None), (True, True), ([1, [2]], (1, [2.0])), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)
def test_equal_json_values(left, right):
    assert same_json(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [(True, 1), (False, 0), ("1", 1), (None, False), ([1], [1, 2]), ({"a": 1}, {"a": True}), ([], {}), ("a", ["a"])],
)
def test_different_json_values(left, right):
    assert not same_json(left, right)
