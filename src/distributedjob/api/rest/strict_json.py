"""Bodies read by a strict parser: JSON as RFC 8259 has it, without NaN, lone surrogates or endless nesting."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

MAX_DEPTH = 64


class StrictJsonRoute(APIRoute):
    """Answers 400 to what is no JSON, before anything else looks at it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


class _StrictRequest(Request):
    async def json(self) -> Any:
        try:
            document = msgspec.json.decode(await self.body())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise HTTPException(400, f"the body is not JSON: {error}") from None
        except RecursionError:
            raise _too_deep() from None
        _check_depth(document, MAX_DEPTH)
        return document


def _check_depth(value: object, left: int) -> None:
    if isinstance(value, dict | list):
        if left == 0:
            raise _too_deep()
        for part in value.values() if isinstance(value, dict) else value:
            _check_depth(part, left - 1)


def _too_deep() -> HTTPException:
    return HTTPException(400, f"the body is nested deeper than {MAX_DEPTH} levels")
