"""JSON error responses and the mapping from errors to responses."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models.errors import ModelError
from pathviewer.api import user_messages
from pathviewer.api.error_status import RETRY_SECONDS, KnownError, error_code, error_status
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import ClientGone, TooBusy
from storage.errors import StorageError

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that closed the connection before the response."""
LONGEST_MESSAGE = 2_000
"""Maximum length of an error message, in characters."""

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


def error_to_response(error: KnownError) -> JSONResponse:
    """Return the response for an error whose message may be shown."""
    response = error_response(error_code(error), str(error), error_status(error))
    if isinstance(error, TooBusy):
        response.headers["retry-after"] = str(error.retry_seconds)
    return response


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """Return the Starlette handlers of our errors and of Starlette's own."""
    return {
        UserError: _respond_known_error,
        StorageError: _respond_known_error,
        ModelError: _respond_known_error,
        ClientGone: _respond_client_gone,
        HTTPException: _respond_http_error,
        Exception: _respond_unexpected_error,
    }


async def _respond_known_error(_: Request, error: KnownError) -> Response:
    return error_to_response(error)


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
