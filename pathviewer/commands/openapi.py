"""`python -m pathviewer openapi`: the JSON API as a document."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from starlette.routing import BaseRoute

from pathviewer.api.openapi import openapi_document
from pathviewer.api.reference import api_reference
from pathviewer.questions.engine import NO_MODEL
from pathviewer.settings import Settings


def openapi_command(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/api.md instead.")
    ] = False,
) -> None:
    """Print the OpenAPI document of the JSON API, as in docs/openapi.json."""
    document = build_document()
    text = (
        api_reference(document)
        if markdown
        else json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    )
    typer.echo(text, nl=False)


def document_text(document: dict[str, Any]) -> str:
    """Return the file docs/openapi.json."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def build_document() -> dict[str, Any]:
    """Return the document of a server with default settings; nothing is started."""
    return openapi_document(default_routes())


def default_routes() -> list[BaseRoute]:
    """Return the routes of a server with default settings, which cannot answer."""
    from pathviewer.server.application import build_routes, open_services

    with tempfile.TemporaryDirectory(prefix="pathviewer-") as folder:
        services = open_services(Settings(data=Path(folder), model=NO_MODEL, slides=()))
        with closing(services.database):
            return build_routes(services)
