"""`python -m pathviewer model ...`: which models are known here, and fetching their weights."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from models.errors import ModelError
from models.registry import fetch_model, list_models

app = typer.Typer(no_args_is_help=True, help="Models known here, and fetching their weights.")


@app.command("list")
def list_command() -> None:
    """Name, licence and summary of every known model."""
    for model in list_models():
        typer.echo(f"{model.name}: {model.summary} Licence: {model.licence}.")


@app.command("fetch")
def fetch_command(name: Annotated[str, typer.Argument(help="Registry name or hub id.")]) -> None:
    """Fetch a model's weights from the Hugging Face hub into its cache."""
    try:
        typer.echo(f"{fetch_model(name).name} is ready.")
    except ModelError as error:
        sys.exit(str(error))
