"""The success rule: is this answer the one that was hoped for?

All parts that are given must hold. Where only the beginning of a body was read, nothing that depends
on the rest is believed: an execution is never called a success on a guess. Expressions run in RE2,
whose time is linear in the body.
"""

import functools
from dataclasses import dataclass

import msgspec
import re2

from distributedjob.model.outcome import Answer
from distributedjob.model.target import StatusRange, SuccessRule
from distributedjob.targets import jsonpath
from distributedjob.targets.jsonpath import JsonPath

MAX_EXPRESSION = 1000
EXPRESSION_MEMORY = 1 << 20
MAX_SHOWN = 80


@dataclass(frozen=True, slots=True)
class SuccessCheck:
    """A success rule with everything parsed."""

    statuses: frozenset[int]
    shown_statuses: str
    contains: bytes | None
    matches: object | None
    path: JsonPath | None
    path_text: str
    equals: object
    reads_body: bool

    def fault(self, answer: Answer) -> str:
        """Why the answer is not a success, as a sentence; empty when it is one."""
        if answer.status not in self.statuses:
            return f"status {answer.status} is not in {self.shown_statuses}"
        if not self.reads_body:
            return ""
        return self._fault_in_text(answer) or self._fault_in_json(answer)

    def _fault_in_text(self, answer: Answer) -> str:
        if self.contains is not None and self.contains not in answer.body:
            return f"the body does not contain {_shown(self.contains.decode())}{_beginning(answer)}"
        if self.matches is not None and not self._is_matched(answer):
            return f"the body does not match the expression{_beginning(answer)}"
        return ""

    def _is_matched(self, answer: Answer) -> bool:
        found = self.matches.search(answer.body)  # type: ignore[union-attr]
        if found is None:
            return False
        # A match that touches the cut could depend on what was not read ($, \b).
        return not answer.truncated or bool(found.end() < len(answer.body))

    def _fault_in_json(self, answer: Answer) -> str:
        if self.path is None:
            return ""
        if answer.truncated:
            return f"{self.path_text} cannot be compared: only the beginning of the body was read"
        try:
            document = msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return f"{self.path_text} cannot be compared: the body is not JSON"
        found = self.path.find(document)
        if not found:
            return f"the body has nothing at {self.path_text}"
        if not jsonpath.same_json(found[0], self.equals):
            return f"{self.path_text} is {_shown(found[0])}, not {_shown(self.equals)}"
        return ""


def compile_success(rule: SuccessRule) -> SuccessCheck:
    """Raises ValueError where an expression or a path is not understood."""
    return SuccessCheck(
        statuses=_statuses(rule.statuses),
        shown_statuses=", ".join(map(shown_range, rule.statuses)),
        contains=None if rule.body_contains is None else rule.body_contains.encode(),
        matches=None if rule.body_matches is None else compile_expression(rule.body_matches),
        path=None if rule.json_path is None else jsonpath.parse(rule.json_path.path),
        path_text="" if rule.json_path is None else rule.json_path.path,
        equals=None if rule.json_path is None else rule.json_path.equals,
        reads_body=(rule.body_contains, rule.body_matches, rule.json_path) != (None, None, None),
    )


@functools.lru_cache(maxsize=256)
def _statuses(parts: tuple[StatusRange, ...]) -> frozenset[int]:
    """Shared: nearly all tasks have the same few ranges, and a set of a hundred numbers takes 8 KiB."""
    return frozenset(code for part in parts for code in range(part.first, part.last + 1))


def compile_expression(text: str) -> object:
    """An RE2 expression that is searched in UTF-8 bytes. Raises ValueError with RE2's own words."""
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"the expression has {len(text)} characters; at most {MAX_EXPRESSION} are allowed")
    options = re2.Options()
    options.max_mem = EXPRESSION_MEMORY
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        words = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{words}; RE2 syntax is allowed, without look-around and back-references") from None


def shown_range(part: StatusRange) -> str:
    return str(part.first) if part.first == part.last else f"{part.first}–{part.last}"


def _beginning(answer: Answer) -> str:
    return f" (only its first {len(answer.body)} bytes were read)" if answer.truncated else ""


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
