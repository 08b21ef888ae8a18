"""`python -m pathviewer train serve-judge`: a model as an OpenAI-compatible endpoint."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
import uvicorn

from models.engines.open_engine import open_engine
from models.errors import ModelError
from models.openai_server import LOCAL_HOSTS, endpoint_app
from models.registry import resolve_model

KEY_VARIABLE = "PATHVIEWER_JUDGE_KEY"
"""Environment variable with the key that callers must send."""


def serve_judge(
    model: Annotated[str, typer.Option(help="Registry name, hub id or folder.")],
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.")] = 8765,
) -> None:
    """Serve a checkpoint as an OpenAI-compatible endpoint, for example for the endpoint judge."""
    try:
        registered_model = resolve_model(model)
        check_may_judge(registered_model.name, registered_model.train_allowed)
        check_address(host, os.environ.get(KEY_VARIABLE))
        backend = open_engine(model)
    except ModelError as error:
        sys.exit(str(error))
    local = host in {"127.0.0.1", "localhost", "::1"}
    app = endpoint_app(
        backend,
        registered_model.name,
        key=os.environ.get(KEY_VARIABLE),
        system=registered_model.system,
        budget=registered_model.budget,
        hosts=LOCAL_HOSTS if local else ["*"],
    )
    typer.echo(f"{registered_model.name} answers at http://{host}:{port}/v1.", err=True)
    try:
        uvicorn.run(app, host=host, port=port, log_level="warning")
    finally:
        backend.close()


def check_may_judge(name: str, train_allowed: bool) -> None:
    """Refuse a model whose licence forbids training on its output, such as a judge's replies."""
    if not train_allowed:
        message = f"The licence of {name} does not allow its output to train another model."
        raise ModelError(message)


def check_address(host: str, key: str | None) -> None:
    """Refuse an address that other machines can reach without a key."""
    if host not in {"127.0.0.1", "localhost", "::1"} and not key:
        message = f"{host} can be reached from other machines; set {KEY_VARIABLE} to a key first."
        raise ModelError(message)
