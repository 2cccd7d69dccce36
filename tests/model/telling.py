"""A trace in words: what happened, step by step, and what it changed."""

from collections.abc import Iterator

from model.search import Found
from model.step import STEPS
from model.world import DOWN, FROZEN, NAMES, SESSIONS, Label, Row, World


def tell(found: Found) -> list[str]:
    lines = [f"{found.setup.name}: {found.setup.about}"]
    if not found.broken:
        return [*lines, "  => nothing is wrong"]
    before = found.trace[0][1]
    for number, (label, world) in enumerate(found.trace[1:], start=1):
        lines.append(f"{number:3}. {_words(label)}")
        lines.extend(f"       {change}" for change in _changes(before, world))
        before = world
    lines.append(f"  => {found.broken}: {found.wrong}")
    return lines


def _words(label: Label) -> str:
    name, who, row, how = label
    return STEPS[name].words.format(who="ABCD"[who], row=row, how=how)


def _changes(before: World, after: World) -> Iterator[str]:
    for number, (old, new) in enumerate(zip(before.rows, after.rows, strict=True)):
        if _facts(old) != _facts(new):
            yield f"execution {number}: {_facts(old)} -> {_facts(new)}"
    for number, (was, is_) in enumerate(zip(before.workers, after.workers, strict=True)):
        if was.up != is_.up or was.gone != is_.gone:
            up = {DOWN: "down", FROZEN: "frozen"}.get(is_.up, "up")
            yield f"worker {'ABCD'[number]}: {up}, session {is_.session}{', declared over' if is_.gone else ''}"


def _facts(row: Row) -> str:
    facts = [NAMES[row.state]]
    if row.fence:
        facts.append(f"fence {row.fence}, attempt {row.attempt}")
    if row.holder:
        number, session = divmod(row.holder - 1, SESSIONS)
        facts.append(f"holder {'ABCD'[number]}{session}")
    facts.extend(word for word, fact in (("marked", row.marked), ("asked to stop", row.asked)) if fact)
    return ", ".join(facts)
