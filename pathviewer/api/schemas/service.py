"""The service itself: health, the caller and the audit log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pathviewer.api.schemas.base import Facts, Response, Timestamp
from pathviewer.auth.roles import Action, Role
from pathviewer.common.schema import QuerySchema

MOST_ENTRIES = 1_000
LARGEST_ID = 2**63 - 1


class LoadedModel(Response):
    """A model that is loaded."""

    name: str
    revision: str
    architecture: str
    parameters: int
    device: str
    dtype: str
    attention: str


class ModelHealth(Response):
    """State of the model."""

    state: Literal["starting", "ready", "failed", "stopped"]
    sentence: str
    waiting: int
    """Requests waiting or running."""
    loaded: LoadedModel | None


class Health(Response):
    """State of the service."""

    status: Literal["ok"]
    version: str
    model: ModelHealth


class Me(Response):
    """The caller."""

    account: str
    """Id of the account."""
    name: str
    role: Role
    actions: list[Action]
    """What the caller may do."""
    login: bool
    """Whether the caller has logged in and can log out."""
    public_demo: bool
    labels_go_to: str
    """Who receives the labels of a public demo; empty elsewhere."""
    label_licence: str
    version: str


class AuditQuery(QuerySchema):
    """A page of the audit log."""

    after: Annotated[int, Field(ge=0, le=LARGEST_ID)] = 0
    """Id of the last entry of the page before."""
    limit: Annotated[int, Field(ge=1, le=MOST_ENTRIES)] = 100


class AuditEntry(Response):
    """An entry of the audit log."""

    id: int
    at: Timestamp
    account: str | None
    """Id of the account that acted."""
    action: str
    subject: str
    """Id of what it was done to."""
    detail: Facts
