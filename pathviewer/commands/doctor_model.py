"""What `doctor` says about the model: whether it loads, and whether its deletion check is sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from models.control_figures import read_control_figures
from models.deletion_check import FILL, CheckMethod
from models.errors import CheckpointError
from models.messages import ModelInfo
from models.registry import RegisteredModel
from pathviewer.commands.doctor_check import Check
from pathviewer.questions.engine import EngineService
from pathviewer.questions.engine import log as engine_log
from pathviewer.questions.model_input import find_model
from pathviewer.settings import Settings

MODEL_SECONDS = 300.0
"""A model still loading after this time, s, is reported as loading."""


def model(settings: Settings) -> Iterator[Check]:
    """Check that the model loads, in its own process, and unload it."""
    engine = EngineService(settings)
    started = time.monotonic()
    with silence_engine_log():
        engine.start()
        try:
            status = engine.wait_while_loading(MODEL_SECONDS)
        finally:
            engine.close()
    if status.state == "ready":
        took = f"Loading took {time.monotonic() - started:.1f} s."
        yield Check(
            "model", "ok", " ".join((status.sentence, *describe_loaded_model(status.info), took))
        )
        if status.info is not None:
            yield from deletion_check(find_model(settings.model), status.info.revision)
    else:
        sentence = f"{status.sentence} Slides can be viewed and regions drawn without it."
        yield Check("model", "note", sentence)


def describe_loaded_model(info: ModelInfo | None) -> Iterator[str]:
    """Yield a sentence about the loaded model."""
    if info is not None:
        kernel = f", attention by {info.attention}" if info.attention != "none" else ""
        yield f"It is {info.architecture}, revision {info.revision[:12]}{kernel}."


def deletion_check(model: RegisteredModel, revision: str) -> Iterator[Check]:
    """Report how the deletion check masks, and whether its controls passed on the model."""
    if model.location is None:
        return  # a script has nothing to measure
    try:
        # the cache of the hub holds no figures
        figures = None if model.hub_id else read_control_figures(model.location, FILL, revision)
    except CheckpointError as error:
        yield Check("deletion check", "note", str(error))
        return
    sentence = CheckMethod(controls=figures).describe(model.name)
    passed = figures is not None and figures.has_passed
    yield Check(
        "deletion check",
        "ok" if passed else "note",
        f"{sentence} Both controls passed." if passed else sentence,
    )


@contextmanager
def silence_engine_log() -> Iterator[None]:
    """Suppress engine log lines that the check reports itself."""
    engine_log.addFilter(reject_record)
    try:
        yield
    finally:
        engine_log.removeFilter(reject_record)


def reject_record(_: object) -> bool:
    """Reject every record."""
    return False
