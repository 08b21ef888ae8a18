"""The OpenAPI document of the JSON API."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from warnings import catch_warnings, filterwarnings

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from pathviewer import __version__
from pathviewer.api.schemas.base import ErrorResponse

PREFIX = "/api/"
_TAGS = Path(__file__).parent / "tags"
TAGS: dict[str, tuple[str, ...]] = {
    "questions": ("/api/readings", "/api/model", "/api/questions", "/preview", "/map"),
    "feedback": ("/api/feedback", "/api/completions"),
    "worklists": ("/api/worklist",),
    "comparisons": ("/api/comparisons", "/compare"),
    "exports": ("/api/exports",),
    "insights": ("/api/insights",),
    "uploads": ("/api/uploads",),
    "service": ("/api/health", "/api/me", "/api/metrics", "/api/audit"),
    "slides": ("/api/slides",),
}
"""Section -> beginnings (`/api/...`) or ends of its paths; the first that fits wins."""


def openapi_document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Return the document of the routes under `/api/`, with a section a noun."""
    with catch_warnings():
        filterwarnings("ignore", "Duplicate Operation ID")  # of HEAD, which is removed below
        document = get_openapi(
            title="PathViewer",
            version=__version__,
            description=read_tag("introduction"),
            routes=[route for route in routes if getattr(route, "path", "").startswith(PREFIX)],
            tags=[{"name": tag, "description": read_tag(tag)} for tag in TAGS],
        )
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own; ours is ErrorResponse
        schemas.pop(name, None)
    error = ErrorResponse.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= error.pop("$defs") | {"ErrorResponse": error}
    for path, operations in document["paths"].items():
        operations.pop("head", None)  # it answers as GET does
        for operation in operations.values():
            _describe_operation(path, operation)
    _drop_titles(document["components"])
    _drop_titles(document["paths"])
    return document


def _drop_titles(node: Any) -> None:
    """Remove the titles that repeat the names of fields."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for value in node.values():
            _drop_titles(value)
    elif isinstance(node, list):
        for value in node:
            _drop_titles(value)


def _describe_operation(path: str, operation: dict[str, Any]) -> None:
    """Give an operation its section and our error response."""
    operation["tags"] = [section(path)]
    operation["responses"].pop("422", None)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    operation["responses"]["4XX"] = {"description": "Refused", "content": content}
    operation["responses"]["5XX"] = {"description": "Not possible now", "content": content}


def section(path: str) -> str:
    """Return the section of a path."""
    for tag, marks in TAGS.items():
        if any(path.startswith(mark) or path.endswith(mark) for mark in marks):
            return tag
    raise LookupError(path)


def read_tag(name: str) -> str:
    """Return the Markdown that introduces a section."""
    return (_TAGS / f"{name}.md").read_text(encoding="utf-8").strip()
