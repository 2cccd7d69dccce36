"""What all wire models share: strict types, no unknown fields, ids as strings, instants as RFC 3339.

Strict on purpose: `"true"` is no boolean and `false` no number, so that a mistake is said and not guessed at.
"""

from difflib import get_close_matches
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from distributedjob.model.identity import MAX_ID
from distributedjob.model.instant import MAX_INSTANT, Instant, from_rfc3339, to_rfc3339

T = TypeVar("T")

READ_ONLY = frozenset(
    {
        "id",
        "revision",
        "department_id",
        "created_at",
        "updated_at",
        "updated_by",
        "next_fire_at",
        "created_by",
        "warnings",
    }
)
UNKNOWN_FIELDS = "unknown_fields"


class _Closed(BaseModel):
    """Unknown fields are refused, with the nearest known name."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = {name: _hint(str(name), known) for name in value if name not in known}
            if unknown:
                raise PydanticCustomError(UNKNOWN_FIELDS, "unknown fields", {"fields": unknown})
        return value


class Wire(_Closed):
    """A JSON object of requests."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Parameters(_Closed):
    """The parameters behind the `?` of a path; they come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """A JSON object of answers."""

    model_config = ConfigDict(frozen=True)


class Page(Shown, Generic[T]):
    """`next_cursor` is null on the last page. A page may be shorter than asked for and still have a next one."""

    items: list[T]
    next_cursor: str | None


def _hint(name: str, known: list[str]) -> str:
    if name in READ_ONLY:
        return "is read-only; leave it out"
    near = get_close_matches(name[:64], known, n=1, cutoff=0.6)
    return f"is not a field; did you mean '{near[0]}'?" if near else f"is not a field; known are {', '.join(known)}"


def _checked_instant(text: str) -> str:
    to_instant(text)
    return text


def to_instant(text: str) -> Instant:
    """Raises ValueError with a sentence for the user."""
    try:
        instant = from_rfc3339(text)
    except OverflowError:
        raise ValueError(f"'{text}' is outside the years 1970 to 9999") from None
    if not 0 <= instant <= MAX_INSTANT:
        raise ValueError(f"'{text}' is outside the years 1970 to 9999")
    return instant


def _readable_instant(text: str) -> str:
    bound_of(text)
    return text


def bound_of(text: str) -> Instant:
    """An instant that bounds a list: one outside the years that instants have bounds nothing."""
    try:
        return max(0, from_rfc3339(text))
    except OverflowError:
        return 0


def maybe_bound(text: str | None) -> Instant | None:
    return None if text is None else bound_of(text)


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 7.0 is 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def maybe_instant(text: str | None) -> Instant | None:
    return None if text is None else to_instant(text)


def shown_instant(instant: Instant | None) -> str | None:
    return None if instant is None else to_rfc3339(instant)


def to_id(text: str) -> int:
    """An id that fits no database names nothing."""
    number = int(text)
    return number if number <= MAX_ID else 0


Id = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$", examples=["241893451776360448"])]
_DATE_TIME = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-29T02:30:00+01:00"]})
InstantText = Annotated[str, AfterValidator(_checked_instant), _DATE_TIME]
BoundText = Annotated[str, AfterValidator(_readable_instant), _DATE_TIME]
Whole = Annotated[int, BeforeValidator(_whole)]
ShownInstant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
# No space at either end: MySQL compares names without their trailing spaces.
TRIMMED = r"^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=TRIMMED)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
