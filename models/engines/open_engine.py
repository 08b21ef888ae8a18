"""`open_engine`: from a model's name to its engine."""

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
"""Device of a model; `auto` uses a GPU if available."""

SCRIPT_PREFIX = "scripted:"
"""Prefix of a custom script's path."""


def open_engine(
    name: str, *, device: Device = "auto", report: Callable[[str], None] = lambda _: None
) -> Engine:
    """Open a model's engine: a registry name, a hub id, a folder, `scripted` or `scripted:FILE`.

    Returns at once; the model loads in its own process, and requests wait for it. `report`
    receives, in another thread, a sentence whenever that process ends or cannot load. The caller
    closes the engine. Raises UnknownModelError or CheckpointError if nothing could be loaded.
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
    """Specification by which the worker builds the engine of a model found by `resolve`."""
    arguments = {
        "location": model.location,
        "name": model.name,
        "device": None if device == "auto" else device,
        "budget": model.budget,
        "licence": model.licence,
        "train_allowed": model.train_allowed,
    }
    return EngineSpec(model.name, "models.engines.local.engine", "LocalEngine", arguments)
