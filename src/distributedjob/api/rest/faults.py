"""From what pydantic found wrong to errors that name the field as the user wrote it: `schedules[0].expression`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from distributedjob.api.rest.wire.base import UNKNOWN_FIELDS
from distributedjob.model.errors import FieldError, Invalid
from distributedjob.services.validation import refuse

M = TypeVar("M", bound=BaseModel)

MAX_FAULTS = 50
_PLACES = frozenset({"body", "query", "path", "header"})


def validated(model: type[M], document: object) -> M:
    """Raises Invalid instead of pydantic's error."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False)) from None


def invalid(errors: Iterable[Mapping[str, Any]]) -> Invalid:
    """One error with all the fields that are wrong."""
    faults = [fault for error in errors for fault in _faults(error)][:MAX_FAULTS]
    try:
        refuse(faults)
    except Invalid as problem:
        return problem
    return Invalid("the request is not valid")


def _faults(error: Mapping[str, Any]) -> Iterator[FieldError]:
    location = tuple(error["loc"])
    path = _path(location[1:] if location and location[0] in _PLACES else location)
    if error["type"] == UNKNOWN_FIELDS:
        for name, hint in error["ctx"]["fields"].items():
            yield FieldError(f"{path}.{name}" if path else str(name), hint, "unknown_field")
    elif error["type"] == "missing" and not path:
        yield FieldError("body", "is missing: send a JSON object with Content-Type: application/json", "missing")
    else:
        yield FieldError(path or "body", _wording(error), str(error["type"]))


def _path(location: tuple[object, ...]) -> str:
    """Parts in angle brackets are the tags of unions; they are not in the document."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not str(part).startswith("<"):
            path += f".{part}" if path else str(part)
    return path


def _wording(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "should be a JSON object"
        case "value_error":
            return str(error["ctx"]["error"])
        case "string_pattern_mismatch":
            return f"does not match the pattern {error['ctx']['pattern']}"
        case _:
            text = str(error["msg"])
            return text[:1].lower() + text[1:]
