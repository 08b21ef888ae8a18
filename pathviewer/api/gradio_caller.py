"""The caller of a Gradio endpoint, and errors in Gradio's form."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

import gradio as gr
from pydantic import create_model

from models.errors import ModelError
from pathviewer.api import user_messages
from pathviewer.auth.identity import RECHECK_KEY, SCOPE_KEY, require
from pathviewer.common.errors import UserError
from pathviewer.common.schema import Schema
from pathviewer.common.validation import read_value
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pathviewer.auth.identity import Identity
    from pathviewer.auth.roles import Action


async def identify_caller(request: gr.Request, action: Action) -> Identity:
    """Return the caller of an endpoint, checked again: a call may have waited in Gradio's queue.

    Raises Forbidden, and `gr.Error` if the login has ended.
    """
    scope: Any = request.request.scope if request.request else {}
    identity = await scope[RECHECK_KEY]()
    if identity is None or identity.account_id != scope[SCOPE_KEY].account_id:
        raise gr.Error(user_messages.LOGIN_ENDED, print_exception=False)
    return require({SCOPE_KEY: identity}, action)


def guard_endpoint(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint: its arguments are checked by their types, and errors that users may see
    become `gr.Error` with their sentence."""
    check = _argument_check(endpoint)
    if inspect.isasyncgenfunction(endpoint):

        @wraps(endpoint)
        async def stream(*values: Any, **named: Any) -> AsyncIterator[Any]:
            with _gradio_errors():
                async for value in endpoint(**check(values, named)):
                    yield value

        return stream

    @wraps(endpoint)
    async def call(*values: Any, **named: Any) -> Any:
        with _gradio_errors():
            return await endpoint(**check(values, named))

    return call


def _argument_check(
    endpoint: Callable[..., Any],
) -> Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any]]:
    """Return a function that takes a call's values and returns its arguments by name.

    It raises InvalidRequest for a value of another type.
    """
    signature, types = inspect.signature(endpoint), get_type_hints(endpoint)
    fields: dict[str, Any] = {
        name: (types[name], ... if each.default is each.empty else each.default)
        for name, each in signature.parameters.items()
        if name != "request"
    }
    schema = create_model(endpoint.__name__, __base__=Schema, **fields)

    def check(values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        arguments = signature.bind(*values, **named).arguments
        request = arguments.pop("request")
        return {"request": request, **dict(read_value(schema, **arguments))}

    return check


@contextmanager
def _gradio_errors() -> Iterator[None]:
    try:
        yield
    except (UserError, StorageError, ModelError) as error:
        raise gr.Error(str(error), print_exception=False) from None
