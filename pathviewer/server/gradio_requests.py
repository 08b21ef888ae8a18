"""Validation of requests to Gradio's own routes.

Gradio answers an unexpected request (unknown endpoint, too few values, unknown event) with status
500 and a traceback in the log. Only valid requests reach it, with only the fields that it needs.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from pathviewer.common import user_messages as common_messages
from pathviewer.server import user_messages

if TYPE_CHECKING:
    import gradio as gr

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A session hash, made up by the client, or an event id, made up by Gradio."""
MOST_VALUES = 50_000
"""Most values in one body, nested ones included; Gradio copies each several times."""


class CallRefused(Exception):  # noqa: N818  a response rather than an error
    """A refused call; the message may be shown to the client."""

    def __init__(self, message: str, status: int = 400, code: str = "bad_call") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


AnyBody = TypeVar("AnyBody", bound=_Body)


class JoinBody(_Body):
    """`queue/join` and `run`: a call by endpoint number."""

    data: list[Any]
    """Parameter values of the endpoint, in order."""

    fn_index: int
    """Number of the endpoint."""

    session_hash: Id | None = None
    """Session that receives the result."""

    event_data: dict[str, Any] | None = None
    """Event data of a component of the page."""

    trigger_id: int | None = None
    """Number of that component."""


class CallBody(_Body):
    """`call/NAME`: a call by endpoint name."""

    data: list[Any]
    """Parameter values of the endpoint, in order."""

    session_hash: Id | None = None
    """Session that receives the result; without one the event is its own session."""


class CancelBody(_Body):
    """`cancel`: end a call."""

    session_hash: Id
    """Session of the call."""

    fn_index: int
    """Number of the endpoint."""

    event_id: Id
    """Event id that `queue/join` returned."""


class ResetBody(_Body):
    """`reset`, which does nothing."""

    event_id: Id
    """Any event id."""


@dataclass(frozen=True)
class Call:
    """A valid body for Gradio."""

    body: bytes
    """JSON."""

    session_hash: str | None = None
    """Session named in the body."""

    event_id: str | None = None
    """Event named in the body."""


class CallReader:
    """Validates the bodies of Gradio's routes against the endpoints of one page."""

    def __init__(self, page: gr.Blocks) -> None:
        self._by_number: Mapping[int, Any] = dict(page.fns)
        self._by_name = {
            fn.api_name: fn
            for fn in page.fns.values()
            if fn.queue and fn.api_visibility != "private"
        }

    def read(self, route: str, name: str, document: object) -> Call:
        """Return the call of a POST to `route`; `name` is the endpoint of routes with a name.

        Raises CallRefused.
        """
        if count_values(document, MOST_VALUES) > MOST_VALUES:
            raise CallRefused(user_messages.too_many_values(MOST_VALUES), 413, "too_large")
        if not isinstance(document, dict):
            raise CallRefused(common_messages.NO_JSON_OBJECT)
        if route in ("join", "run"):
            return self._read_join(document, queued=route == "join")
        if route == "call":
            return self._read_call(name, document)
        if route == "call/v2":
            return self._read_named_values(name, document)
        if route == "cancel":
            cancel = validate_body(CancelBody, document)
            return Call(cancel.model_dump_json().encode(), cancel.session_hash, cancel.event_id)
        return Call(validate_body(ResetBody, document).model_dump_json().encode())

    def _read_join(self, document: dict[str, Any], *, queued: bool) -> Call:
        body = validate_body(JoinBody, document)
        fn = self._by_number.get(body.fn_index)
        if fn is None or fn.queue is not queued:
            raise no_endpoint(user_messages.endpoint_number(body.fn_index))
        check_count(fn, body.data)
        triggers = {target for target, _ in fn.targets}
        clean: dict[str, Any] = {"data": body.data, "fn_index": body.fn_index}
        if queued and body.session_hash is None:
            raise CallRefused(user_messages.NO_SESSION_FOR_RESULT)
        clean["session_hash"] = body.session_hash
        if not queued:
            clean["event_data"] = body.event_data or {}
            clean["trigger_id"] = body.trigger_id if body.trigger_id in triggers else None
        return Call(json.dumps(clean).encode(), body.session_hash)

    def _read_call(self, name: str, document: dict[str, Any]) -> Call:
        body = validate_body(CallBody, document)
        check_count(self._find_endpoint(name), body.data)
        return Call(body.model_dump_json().encode(), body.session_hash)

    def _read_named_values(self, name: str, document: dict[str, Any]) -> Call:
        """Read a body whose keys are the endpoint's parameter names."""
        parameters = parameters_of(self._find_endpoint(name))
        unknown = sorted(set(document) - set(parameters))
        missing = [each for each, needed in parameters.items() if needed and each not in document]
        if unknown or missing:
            fault_names = ", ".join(f"{each!r:.40}" for each in unknown[:5] or missing)
            fault = user_messages.PARAMETER_UNKNOWN if unknown else user_messages.PARAMETER_MISSING
            known_names = ", ".join(parameters) or "none"
            raise CallRefused(user_messages.wrong_parameters(name, fault, fault_names, known_names))
        return Call(json.dumps(document).encode())

    def _find_endpoint(self, name: str) -> Any:
        if name not in self._by_name:
            raise no_endpoint(user_messages.endpoint_name(name))
        return self._by_name[name]


def no_endpoint(description: str) -> CallRefused:
    """Return the error for an unknown endpoint."""
    message = user_messages.no_such_endpoint(description)
    return CallRefused(message, 404, "not_found")


def validate_body(kind: type[AnyBody], document: dict[str, Any]) -> AnyBody:
    """Validate a document as a body. Raises CallRefused with the first fault."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])[:80]
        raise CallRefused(user_messages.body_malformed(where, fault["msg"])) from None


def check_count(fn: Any, data: list[Any]) -> None:
    """Raise CallRefused unless there is one value for each parameter."""
    names = list(parameters_of(fn))
    if len(data) != len(names):
        name_list = f": {', '.join(names)}" if names else ""
        raise CallRefused(
            user_messages.wrong_value_count(fn.api_name, len(names), len(data), name_list)
        )


def parameters_of(fn: Any) -> dict[str, bool]:
    """Return the endpoint's parameter names, each with whether it is required."""
    parameters = list(inspect.signature(fn.fn).parameters.values())[-len(fn.inputs) :]
    return {one.name: one.default is one.empty for one in parameters} if fn.inputs else {}


def count_values(document: object, most: int) -> int:
    """Count the values in a document; counting stops soon after `most`."""
    count, stack = 0, [document]
    while stack and count <= most:
        value = stack.pop()
        if isinstance(value, dict | list):
            count += len(value)
            inside = value.values() if isinstance(value, dict) else value
            stack += [each for each in inside if isinstance(each, dict | list)]
    return count
