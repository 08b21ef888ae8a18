"""`python -m pathviewer openapi`: the JSON API as a document."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from pathviewer.api.openapi import openapi_document
from pathviewer.api.reference import api_reference


def openapi_command(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/api.md instead.")
    ] = False,
) -> None:
    """Print the OpenAPI document of the JSON API, as in docs/openapi.json."""
    document = build_document()
    text = api_reference(document) if markdown else document_text(document)
    typer.echo(text, nl=False)


def document_text(document: dict[str, Any]) -> str:
    """Return the file docs/openapi.json."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def build_document() -> dict[str, Any]:
    """Return the document of a server with default settings; nothing is started."""
    from pathviewer.server.default_routes import default_routes

    return openapi_document(default_routes())
