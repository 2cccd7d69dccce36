"""Levers: what is changed for the whole cluster while it runs, each with its check and its default."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from distributedjob.model.errors import Invalid, NotFound
from distributedjob.model.identity import Principal
from distributedjob.model.instant import Instant
from distributedjob.rules.versions import parse_version
from distributedjob.services.desk import Transaction
from distributedjob.store import levers
from distributedjob.store.levers import LeverRow

HIGHEST_RATE = 10_000
Value = int | str | None


class LeverName(StrEnum):
    """`catchup_rate`: fires caught up per second, 0 for none. `min_version`: nodes older than this do not start."""

    CATCHUP_RATE = "catchup_rate"
    MIN_VERSION = "min_version"


Defaults = Mapping[LeverName, Value]
"""What holds where a lever is not set: this node's settings."""


@dataclass(frozen=True, slots=True)
class Lever:
    """`changed_by` and `changed_at` are None while it is not set."""

    name: LeverName
    value: Value
    default: Value
    changed_by: str | None = None
    changed_at: Instant | None = None


def list_levers(tx: Transaction, *, defaults: Defaults) -> list[Lever]:
    rows = levers.list_levers(tx.connection)
    return [_shown(name, rows.get(name), defaults) for name in LeverName]


def get_lever(tx: Transaction, name: str, *, defaults: Defaults) -> Lever:
    known = _named(name)
    return _shown(known, levers.find_lever(tx.connection, known), defaults)


def set_lever(
    tx: Transaction, name: str, *, principal: Principal, value: int | str, version: str, defaults: Defaults
) -> Lever:
    """`version` is this program's own. Raises NotFound, and Invalid for a value that the lever does not take."""
    known = _named(name)
    content = _rate(value) if known is LeverName.CATCHUP_RATE else _version(value, version)
    levers.place_lever(tx.connection, LeverRow(known, content, principal.name, tx.now))
    return get_lever(tx, name, defaults=defaults)


def reset_lever(tx: Transaction, name: str, *, defaults: Defaults) -> Lever:
    """Back to the default; one that is not set stays so."""
    levers.reset_lever(tx.connection, _named(name))
    return get_lever(tx, name, defaults=defaults)


def find_catchup_rate(tx: Transaction, *, default: int) -> int:
    row = levers.find_lever(tx.connection, LeverName.CATCHUP_RATE)
    return default if row is None else int(row.content)


def _named(name: str) -> LeverName:
    try:
        return LeverName(name)
    except ValueError:
        known = ", ".join(LeverName)
        raise NotFound(f"there is no lever '{name}'; there are {known}", id=name) from None


def _shown(name: LeverName, row: LeverRow | None, defaults: Defaults) -> Lever:
    default = defaults.get(name)
    if row is None:
        return Lever(name, default, default)
    value = int(row.content) if name is LeverName.CATCHUP_RATE else row.content
    return Lever(name, value, default, row.changed_by, row.changed_at)


def _rate(value: int | str) -> str:
    if not isinstance(value, int) or not 0 <= value <= HIGHEST_RATE:
        raise Invalid.one("value", f"is not a whole number from 0 to {HIGHEST_RATE}, fires per second")
    return str(value)


def _version(value: int | str, own: str) -> str:
    if not isinstance(value, str):
        raise Invalid.one("value", "is not a version such as 1.4.0 in quotes")
    try:
        wanted = parse_version(value)
    except ValueError as error:
        raise Invalid.one("value", str(error)) from None
    if wanted > parse_version(own):
        raise Invalid.one("value", f"is newer than this node's own version {own}, which could not start again then")
    return str(wanted)
