"""The caller of a Gradio endpoint, and errors in Gradio's form."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import gradio as gr
from pydantic import TypeAdapter, ValidationError, create_model

from models.errors import ModelError
from pathviewer.api import user_messages
from pathviewer.api.json_route import InvalidRequest
from pathviewer.auth.identity import RECHECK_KEY, SCOPE_KEY, require
from pathviewer.common.errors import UserError
from pathviewer.common.schema import Schema
from pathviewer.common.validation import describe_error
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pathviewer.auth.identity import Identity
    from pathviewer.auth.roles import Action

T = TypeVar("T")


async def identify_caller(request: gr.Request, action: Action) -> Identity:
    """Return the caller of an endpoint, checked again: a call may have waited in Gradio's queue.

    Raises Forbidden, and `gr.Error` if the login has ended.
    """
    scope: Any = request.request.scope if request.request else {}
    identity = await scope[RECHECK_KEY]()
    if identity is None or identity.account_id != scope[SCOPE_KEY].account_id:
        raise gr.Error(user_messages.LOGIN_ENDED, print_exception=False)
    return require({SCOPE_KEY: identity}, action)


def read_value(schema: type[T], /, **values: object) -> T:
    """Return a schema with these values, without those that are None. Raises InvalidRequest."""
    adapter: TypeAdapter[T] = TypeAdapter(schema)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise InvalidRequest(describe_error(error.errors()[0], adapter.json_schema())) from None


def show_errors(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an endpoint: errors that users may see become `gr.Error` with their sentence.

    Texts and numbers are of the declared type, which Gradio does not check.
    """
    signature = inspect.signature(endpoint, eval_str=True)
    bind = partial(_bind, signature, _plain_parameters(signature))
    if inspect.isasyncgenfunction(endpoint):

        @wraps(endpoint)
        async def stream(*values: Any, **named: Any) -> AsyncIterator[Any]:
            with _gradio_errors():
                bound = bind(values, named)
                async for value in endpoint(*bound.args, **bound.kwargs):
                    yield value

        return stream

    @wraps(endpoint)
    async def call(*values: Any, **named: Any) -> Any:
        with _gradio_errors():
            bound = bind(values, named)
            return await endpoint(*bound.args, **bound.kwargs)

    return call


def _bind(
    signature: inspect.Signature,
    schema: type[Schema],
    values: tuple[Any, ...],
    named: dict[str, Any],
) -> inspect.BoundArguments:
    """Return an endpoint's arguments, with defaults for null. Raises InvalidRequest."""
    bound = signature.bind(*values, **named)
    bound.apply_defaults()
    plain = {name: bound.arguments[name] for name in schema.model_fields}
    bound.arguments |= dict(read_value(schema, **plain))
    return bound


def _plain_parameters(signature: inspect.Signature) -> type[Schema]:
    """Return a schema of an endpoint's parameters that are texts or numbers."""
    fields: dict[str, Any] = {
        each.name: (each.annotation, ... if each.default is each.empty else each.default)
        for each in signature.parameters.values()
        if each.annotation in (str, int)
    }
    return create_model("PlainParameters", __base__=Schema, **fields)


@contextmanager
def _gradio_errors() -> Iterator[None]:
    try:
        yield
    except (UserError, StorageError, ModelError) as error:
        raise gr.Error(str(error), print_exception=False) from None
