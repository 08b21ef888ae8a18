"""Base of response schemas, and shapes that several nouns share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""ISO 8601, UTC."""
Facts = dict[str, Any]
"""An object whose keys depend on the model or the file."""


class Response(BaseModel):
    """A response; every field is always there, null if it has no value."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), use_attribute_docstrings=True
    )


class ErrorDetail(Response):
    """What went wrong."""

    code: str
    """For programs; stable."""
    message: str
    """For people: the value and the way out."""


class ErrorResponse(Response):
    """Any refusal or failure."""

    error: ErrorDetail
    """What went wrong."""


class StoredId(Response):
    """Something that was stored, or that a request concerned."""

    id: str
    """Its id."""


class BoxOut(Response):
    """A rectangle in level-0 pixels."""

    x: int
    y: int
    width: int
    height: int


class SlideName(Response):
    """A slide."""

    id: str
    name: str
    """Displayed name."""


OutlineOut = list[list[float]]
"""Points as drawn, [x, y] each in level-0 pixels."""
