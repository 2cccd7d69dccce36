"""The success rule: all parts must hold, and nothing is believed about what was not read."""

import pytest

from distributedjob.model.outcome import Answer
from distributedjob.model.target import JsonPathRule, StatusRange, SuccessRule
from distributedjob.targets.success import compile_success


def fault(rule, answer):
    return compile_success(rule).fault(answer)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_any_status_of_the_two_hundreds_is_a_success_by_default(status):
    assert fault(SuccessRule(), Answer(status)) == ""


@pytest.mark.parametrize("status", [199, 300, 302, 404, 500])
def test_any_other_status_is_not(status):
    assert fault(SuccessRule(), Answer(status)) == f"status {status} is not in 200–299"


def test_several_ranges_can_be_given():
    rule = SuccessRule(statuses=(StatusRange(200, 200), StatusRange(404, 410)))

    assert [fault(rule, Answer(status)) for status in (200, 404, 410)] == ["", "", ""]
    assert fault(rule, Answer(201)) == "status 201 is not in 200, 404–410"


def test_a_body_must_contain_its_text():
    rule = SuccessRule(body_contains="fertig ✓")

    assert fault(rule, Answer(200, body="alles fertig ✓!".encode())) == ""
    assert fault(rule, Answer(200, body=b"not yet")) == 'the body does not contain "fertig ✓"'


def test_a_body_must_match_its_expression():
    rule = SuccessRule(body_matches=r"^ok \d+$")

    assert fault(rule, Answer(200, body=b"ok 12")) == ""
    assert fault(rule, Answer(200, body=b"ok x")) == "the body does not match the expression"


def test_a_body_that_is_not_utf_8_can_still_match():
    assert fault(SuccessRule(body_matches="done"), Answer(200, body=b"\xff\xfe done")) == ""


def test_an_expression_that_would_take_forever_elsewhere_takes_linear_time():
    rule = SuccessRule(body_matches="(a+)+$")

    assert fault(rule, Answer(200, body=b"a" * 1_000_000 + b"b")) != ""


@pytest.mark.parametrize("expression", ["(", "(?=a)", r"(a)\1", "a{1001}", "x" * 1001, "(?:a{1000}){1000}"])
def test_an_expression_outside_re2_is_refused(expression):
    with pytest.raises(ValueError, match=r"RE2 syntax|at most 1000"):
        compile_success(SuccessRule(body_matches=expression))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"state": {"code": 0}}', ""),
        (b'{"state": {"code": 0.0}}', ""),
        (b'{"state": {"code": 1}}', "$.state.code is 1, not 0"),
        (b'{"state": {"code": false}}', "$.state.code is false, not 0"),
        (b'{"state": {}}', "the body has nothing at $.state.code"),
        (b"", "$.state.code cannot be compared: the body is not JSON"),
        (b"<html>", "$.state.code cannot be compared: the body is not JSON"),
        (b"[" * 100_000, "$.state.code cannot be compared: the body is not JSON"),
        (b'{"state": {"code": ' + b"1" * 100_000 + b"}}", "$.state.code"),
    ],
)
def test_a_value_in_a_json_body_is_compared(body, sentence):
    rule = SuccessRule(json_path=JsonPathRule("$.state.code", 0))

    assert fault(rule, Answer(200, body=body)).startswith(sentence)
    assert bool(fault(rule, Answer(200, body=body))) == bool(sentence)


def test_all_parts_must_hold():
    rule = SuccessRule(body_contains="ok", json_path=JsonPathRule("$.n", 1))

    assert fault(rule, Answer(200, body=b'{"n": 1, "s": "ok"}')) == ""
    assert fault(rule, Answer(200, body=b'{"n": 2, "s": "ok"}')) == "$.n is 2, not 1"
    assert fault(rule, Answer(500, body=b'{"n": 1, "s": "ok"}')) == "status 500 is not in 200–299"


class TestWithOnlyTheBeginningRead:
    ANSWER = Answer(200, body=b'{"n": 1, "s": "ok"}', truncated=True)

    def test_text_that_was_read_is_believed(self):
        assert fault(SuccessRule(body_contains="ok"), self.ANSWER) == ""

    def test_a_match_that_ends_before_the_cut_is_believed(self):
        assert fault(SuccessRule(body_matches='"s": "ok'), self.ANSWER) == ""

    @pytest.mark.parametrize("expression", [r"}$", r"ok.*$", r'"\}\b', r"\}\z"])
    def test_a_match_that_touches_the_cut_is_not(self, expression):
        assert fault(SuccessRule(body_matches=expression), self.ANSWER) != ""

    def test_no_value_is_believed(self):
        assert "only the beginning" in fault(SuccessRule(json_path=JsonPathRule("$.n", 1)), self.ANSWER)

    def test_the_status_alone_is_enough_for_a_rule_on_the_status(self):
        assert fault(SuccessRule(), self.ANSWER) == ""
