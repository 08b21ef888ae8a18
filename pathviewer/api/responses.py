"""The one shape of JSON errors, and which error gets it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pathviewer.auth.identity import Forbidden
from pathviewer.common.work_queue import ClientGone, TooBusy
from pathviewer.slides.errors import SlideError
from storage.errors import ConflictError, NameTakenError, RecordNotFoundError, StorageError

CLIENT_CLOSED_REQUEST = 499
"""What nginx calls a request whose client did not wait for the answer."""
LONGEST_MESSAGE = 2_000
"""Characters of an error's sentence."""

RETRY_SECONDS = {
    "readers_unavailable": 5,
    "storage_failed": 5,
    "too_many_calls": 10,
    "too_many_uploads": 60,
}
"""By code of an error that passes: after how many seconds a client may try again."""

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


def error_response(code: str, message: str, status: int) -> JSONResponse:
    """`{"error": {"code", "message"}}`; `code` is for programs, `message` for people."""
    if len(message) > LONGEST_MESSAGE:  # it quotes a file or a value of any length
        message = f"{message[: LONGEST_MESSAGE - 1]}…"
    response = JSONResponse({"error": {"code": code, "message": message}}, status)
    if code in RETRY_SECONDS:
        response.headers["retry-after"] = str(RETRY_SECONDS[code])
    return response


def not_found(path: str) -> JSONResponse:
    """The answer to an address that nothing is served at."""
    return error_response("not_found", f"There is nothing at {path[:200]}.", 404)


def not_allowed(method: str, methods: Iterable[str]) -> JSONResponse:
    """The answer to a method that the address does not know; `methods` are those it does."""
    allow = ", ".join(sorted(methods))
    message = f"{method[:20]} is not possible here; {allow} is."
    response = error_response("method_not_allowed", message, 405)
    response.headers["allow"] = allow
    return response


def internal_error() -> JSONResponse:
    """The answer to a mistake of the program's own; the log has it, the answer does not."""
    message = "PathViewer made a mistake; its log says which. Try again, and report it if it stays."
    return error_response("internal_error", message, 500)


def error_to_response(error: SlideError | Forbidden | StorageError) -> JSONResponse:
    """The answer to an error whose message may be shown."""
    if isinstance(error, RecordNotFoundError):
        return error_response(error.code, str(error), 404)
    if isinstance(error, NameTakenError | ConflictError):
        return error_response(error.code, str(error), 409)
    if isinstance(error, StorageError):
        return error_response(error.code, str(error), 503)
    return error_response(error.code, str(error), error.status)


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """What Starlette is to do with our errors, and with its own."""
    return {
        SlideError: _respond_known_error,
        Forbidden: _respond_known_error,
        StorageError: _respond_known_error,
        TooBusy: _respond_too_busy,
        ClientGone: _respond_client_gone,
        HTTPException: _respond_http_error,
        Exception: _respond_unexpected_error,
    }


async def _respond_known_error(
    _: Request, error: SlideError | Forbidden | StorageError
) -> Response:
    return error_to_response(error)


async def _respond_too_busy(_: Request, error: TooBusy) -> Response:
    return busy_response(error)


def busy_response(error: TooBusy) -> JSONResponse:
    """The answer where as much is in progress as may be."""
    response = error_response(error.code, str(error), error.status)
    response.headers["retry-after"] = str(error.retry_seconds)
    return response


async def _respond_client_gone(_request: Request, _error: ClientGone) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)  # for the log alone: nobody reads it


async def _respond_http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return not_found(request.url.path)
    code = HTTPStatus(error.status_code).name.lower()
    response = error_response(code, error.detail, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _respond_unexpected_error(_request: Request, _error: Exception) -> Response:
    # Starlette raises it again behind the answer, and uvicorn logs it: a traceback, no locals
    return internal_error()
