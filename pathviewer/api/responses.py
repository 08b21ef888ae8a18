"""JSON error responses and the mapping from errors to responses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pathviewer.api import user_messages
from pathviewer.auth.identity import Forbidden
from pathviewer.common.work_queue import ClientGone, TooBusy
from pathviewer.slides.errors import SlideError
from storage.errors import ConflictError, NameTakenError, RecordNotFoundError, StorageError

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that closed the connection before the response."""
LONGEST_MESSAGE = 2_000
"""Maximum length of an error message, in characters."""

RETRY_SECONDS = {
    "readers_unavailable": 5,
    "storage_failed": 5,
    "too_many_calls": 10,
    "too_many_uploads": 60,
}
"""Code of a temporary error -> seconds until a client may retry."""

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


def error_response(code: str, message: str, status: int) -> JSONResponse:
    """Return `{"error": {"code", "message"}}`; `code` is for programs, `message` for people."""
    if len(message) > LONGEST_MESSAGE:  # it may quote a long value
        message = f"{message[: LONGEST_MESSAGE - 1]}…"
    response = JSONResponse({"error": {"code": code, "message": message}}, status)
    if code in RETRY_SECONDS:
        response.headers["retry-after"] = str(RETRY_SECONDS[code])
    return response


def not_found(path: str) -> JSONResponse:
    """Return the response for an unknown path."""
    return error_response("not_found", user_messages.nothing_at(path[:200]), 404)


def not_allowed(method: str, methods: Iterable[str]) -> JSONResponse:
    """Return the response for an unsupported method; `methods` are the supported ones."""
    allow = ", ".join(sorted(methods))
    message = user_messages.method_not_allowed(method[:20], allow)
    response = error_response("method_not_allowed", message, 405)
    response.headers["allow"] = allow
    return response


def internal_error() -> JSONResponse:
    """Return the response for an unexpected error, without its details."""
    return error_response("internal_error", user_messages.INTERNAL_ERROR, 500)


def error_to_response(error: SlideError | Forbidden | StorageError) -> JSONResponse:
    """Return the response for an error whose message may be shown."""
    if isinstance(error, RecordNotFoundError):
        return error_response(error.code, str(error), 404)
    if isinstance(error, NameTakenError | ConflictError):
        return error_response(error.code, str(error), 409)
    if isinstance(error, StorageError):
        return error_response(error.code, str(error), 503)
    return error_response(error.code, str(error), error.status)


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """Return the Starlette handlers of our errors and of Starlette's own."""
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
    """Return the response for an account or server that is at its limit."""
    response = error_response(error.code, str(error), error.status)
    response.headers["retry-after"] = str(error.retry_seconds)
    return response


async def _respond_client_gone(_request: Request, _error: ClientGone) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)  # only for the log


async def _respond_http_error(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return not_found(request.url.path)
    code = HTTPStatus(error.status_code).name.lower()
    response = error_response(code, error.detail, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _respond_unexpected_error(_request: Request, _error: Exception) -> Response:
    # Starlette re-raises it after the response; uvicorn logs the traceback without locals
    return internal_error()
