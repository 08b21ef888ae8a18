"""`python -m pathviewer judge`: judge labelled traces with a model behind an endpoint."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from models.errors import ModelError
from models.judges.request import JudgeEndpoint
from pathviewer.common.database import open_configured_database
from pathviewer.common.progress import bar
from pathviewer.insights.judge_labels import JudgeRun, judge_labelled_traces
from storage.blobs import BlobStore
from storage.errors import StorageError

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


class ConfigError(ModelError):
    """The file does not configure a judge."""


def judge_command(
    config: Annotated[Path, typer.Option(help="TOML with a [judge] table; see docs/judging.md.")],
    limit: Annotated[int, typer.Option(min=1, help="Most traces to judge in this run.")] = 1000,
    as_json: JsonOption = False,
) -> None:
    """Judge the traces that clinicians labelled; insights compare the judge with them."""
    from models.judges.endpoint_judge import EndpointJudge  # only this command needs an HTTP client

    try:
        endpoint = read_endpoint(config)
        judge = EndpointJudge(endpoint)
        try:
            with open_configured_database() as (settings, database), bar("Judging") as step:
                blobs = BlobStore(settings.blobs)
                result = judge_labelled_traces(database, blobs, judge, endpoint.model, limit, step)
        finally:
            judge.close()
    except (ModelError, StorageError) as error:
        sys.exit(str(error))
    if as_json:
        typer.echo(json.dumps(vars(result) | {"cost": judge.tally.cost(endpoint)}))
    else:
        typer.echo(summary(result))


def read_endpoint(path: Path) -> JudgeEndpoint:
    """Return the endpoint configured in a file. Raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("judge")
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not TOML: {error}.") from error
    if not isinstance(table, dict):
        message = f"{path.name} has no table [judge]; docs/judging.md shows one."
        raise ConfigError(message)
    try:
        return JudgeEndpoint(**table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path.name}: judge.{place}: {first['msg']}.") from error


def summary(result: JudgeRun) -> str:
    """Return a summary of the run in one or two sentences."""
    sentence = f"Judged {result.judged} traces; the judge abstained on {result.abstained}."
    if result.unreadable:
        sentence += f" The pictures of {result.unreadable} cannot be read; `doctor` says which."
    return sentence
