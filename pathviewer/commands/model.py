"""`python -m pathviewer model ...`: the model registry and downloads of weights."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from models.errors import ModelError
from models.registry import fetch_model, list_models

app = typer.Typer(no_args_is_help=True, help="Registered models and their weights.")


@app.command("list")
def list_command() -> None:
    """List all registered models with licence and summary."""
    for model in list_models():
        typer.echo(f"{model.name}: {model.summary} Licence: {model.licence}.")


@app.command("fetch")
def fetch_command(name: Annotated[str, typer.Argument(help="Registry name or hub id.")]) -> None:
    """Download a model's weights from the Hugging Face hub into its cache."""
    try:
        typer.echo(f"{fetch_model(name).name} is ready.")
    except ModelError as error:
        sys.exit(str(error))
