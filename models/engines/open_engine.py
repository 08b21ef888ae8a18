"""From a name to an engine: `open_backend`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from models.engines.base import Engine
from models.engines.scripted.engine import ScriptedEngine
from models.engines.scripted.script import read_script
from models.engines.worker.engine import WorkerEngine
from models.engines.worker.messages import EngineSpec
from models.registry import RegisteredModel, resolve_model

Device = Literal["auto", "cpu", "cuda"]
"""Where a model runs; `auto` takes a GPU where one can be used."""

SCRIPT_PREFIX = "scripted:"
"""Before the path of a script of one's own."""


def open_engine(
    name: str, *, device: Device = "auto", report: Callable[[str], None] = lambda _: None
) -> Engine:
    """The engine of a model: a registry name, a hub id, a folder, `scripted` or `scripted:FILE`.

    Returns at once; a model loads in its own process meanwhile, and what is asked waits for it.
    `report` gets, in another thread, a sentence whenever that process ends or cannot load.
    Close it. Raises UnknownModelError or CheckpointError where nothing could be loaded.
    """
    if name.startswith(SCRIPT_PREFIX):
        path = Path(name.removeprefix(SCRIPT_PREFIX))
        return ScriptedEngine(read_script(path), name=f"{SCRIPT_PREFIX}{path.stem}")
    model = resolve_model(name)
    if model.name == "scripted":
        return ScriptedEngine(
            name=model.name,
            budget=model.budget,
            licence=model.licence,
            train_allowed=model.train_allowed,
        )
    return WorkerEngine(local_engine_spec(model, device), report=report)


def local_engine_spec(model: RegisteredModel, device: Device = "auto") -> EngineSpec:
    """How the worker builds the engine of a model that `resolve` has found."""
    arguments = {
        "location": model.location,
        "name": model.name,
        "device": None if device == "auto" else device,
        "budget": model.budget,
        "licence": model.licence,
        "train_allowed": model.train_allowed,
    }
    return EngineSpec(model.name, "models.engines.local.engine", "LocalEngine", arguments)
