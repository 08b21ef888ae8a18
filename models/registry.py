"""The models known by name, and finding the weights of one on this machine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from models.checkpoint_files import check_checkpoint
from models.errors import CheckpointError, PromptError, UnknownModelError
from models.hub import download, find_cached_folder, is_hub_id
from models.messages import PixelBudget
from models.model_table import read_model_table

HERE = Path(__file__).resolve().parent
DEFAULT_MODEL = "pathviewer-r1-tiny"
"""The embedded model, taken when none is named."""

RESULT = "checkpoint"
"""Folder of a training run's result, which goes by the name of the run."""
SCRIPTED_MODEL = "scripted"
"""The name of canned answers, which have no checkpoint."""

OWN_FILE = "pathviewer.toml"
"""What a checkpoint's folder says of itself; fields as in registry.toml."""


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """What is known of a model before it is loaded."""

    name: str
    """Registry name, hub id or folder name, as the clinician chose it; never a path."""
    summary: str
    """One line about it."""
    prompt_style: str
    """How a question is put: a style of question_templates.toml."""
    system: str | None = None
    """System prompt; None leaves the chat template's own."""
    budget: PixelBudget
    """Area of a picture after resizing."""
    licence: str
    """Of the weights."""
    gated: bool = False
    """Whether the hub asks for an agreement before it gives the weights."""
    train_allowed: bool = True
    """Whether its answers may be used to train another model."""
    question_types: tuple[str, ...] = ()
    """Tasks that it keeps to; empty means any question."""
    lower_case_options: bool = False
    """Whether options are put to it in lower case, since it has read no others."""
    hub_id: str | None = None
    """Its id on the Hugging Face hub; None if it does not come from there."""
    location: Path | None = None
    """Folder of the checkpoint; None until `resolve` has found it, and for `scripted`."""


def list_models() -> tuple[RegisteredModel, ...]:
    """The models of registry.toml in its order, whether or not their weights are here."""
    return tuple(_known().values())


def resolve_model(name: str, *, cache_folder: Path | None = None) -> RegisteredModel:
    """The model of this name, hub id or folder, with its checkpoint found; touches no network.

    `cache_folder` is the hub's cache, by default where huggingface_hub keeps it. Raises
    UnknownModelError for a name that means nothing, CheckpointError if the weights are not here,
    not complete, not safetensors, or of an architecture that is not run here.
    """
    known = _known().get(name)
    if name == SCRIPTED_MODEL and known:
        return known
    if known is None and _is_folder(name):
        return _from_folder(Path(name).expanduser().resolve())
    model = known or _of_the_hub(name)
    if model.hub_id:
        folder = find_cached_folder(model.hub_id, cache_folder)
    else:
        folder = HERE / "checkpoints" / name
    if folder is None or not folder.is_dir():
        raise CheckpointError(_missing_sentence(model))
    check_checkpoint(folder, name)
    return _described(folder, model)


def fetch_model(name: str, *, cache_folder: Path | None = None) -> RegisteredModel:
    """Fetch a hub model's weights into the cache, as a person asked; then as `resolve`.

    Raises CheckpointError when the hub cannot be reached, refuses, or the disk is full, and what
    `resolve` raises.
    """
    model = _known().get(name) or _of_the_hub(name)
    if model.hub_id:
        gated = _missing_sentence(replace(model, gated=True))
        download(model.hub_id, cache_folder, gated_sentence=gated)
    return resolve_model(name, cache_folder=cache_folder)


@cache
def _tables() -> dict[str, Any]:
    """registry.toml."""
    return tomllib.loads((HERE / "registry.toml").read_text(encoding="utf-8"))


@cache
def _known() -> dict[str, RegisteredModel]:
    """The registered models by name."""
    default = _tables()["default"]
    return {name: _model(name, default | table) for name, table in _tables()["models"].items()}


def _default(name: str) -> RegisteredModel:
    """What is assumed of a model that is not registered."""
    return _model(name, _tables()["default"])


def _of_the_hub(name: str) -> RegisteredModel:
    """What is assumed of an unregistered hub model; UnknownModelError if the name is no id."""
    if not is_hub_id(name):
        raise UnknownModelError(_unknown_sentence(name))
    return replace(_default(name), hub_id=name)


def _model(name: str, table: dict[str, Any]) -> RegisteredModel:
    """A table of the registry as a value; ValueError or PromptError if it is not one."""
    fields = dict(table)
    hub_id = fields.pop("hub_id", None)
    checked = read_model_table(fields)
    rest = checked.model_dump(exclude={"min_pixels", "max_pixels", "question_types"})
    return RegisteredModel(
        name=name,
        budget=PixelBudget(checked.min_pixels, checked.max_pixels),
        question_types=tuple(checked.question_types),
        hub_id=hub_id,
        **rest,
    )


def _is_folder(name: str) -> bool:
    """Whether the name leads to a folder."""
    try:
        return bool(name.strip()) and Path(name).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _from_folder(folder: Path) -> RegisteredModel:
    """The model in a folder; one that bears a known model's name is described as that one."""
    name = (folder.parent.name if folder.name == RESULT else "") or folder.name
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        name = folder.parent.parent.name.removeprefix("models--").replace("--", "/", 1)
    check_checkpoint(folder, name)
    for model in list_models():
        if name in {model.name, model.name.split("/")[-1]} and model.name != SCRIPTED_MODEL:
            return _described(folder, replace(model, name=name))
    return _described(folder, _default(name))


def _described(folder: Path, model: RegisteredModel) -> RegisteredModel:
    """The model at home in `folder`, with what the folder says of itself."""
    model = replace(model, location=folder)
    own_table = folder / OWN_FILE
    if not own_table.is_file():
        return model
    try:
        table = tomllib.loads(own_table.read_text(encoding="utf-8"))
        if "hub_id" in table:  # of registry.toml alone
            raise ValueError("it has no field hub_id; remove it")
        model_fields = {
            key: getattr(model, key) for key in _tables()["default"] if "_pixels" not in key
        }
        model_fields |= {
            "min_pixels": model.budget.min_pixels,
            "max_pixels": model.budget.max_pixels,
        }
        model_fields |= {"question_types": list(model.question_types), "system": model.system}
        described = _model(model.name, model_fields | table)
    except (OSError, ValueError, PromptError) as error:
        # The whole text of an OSError tells the path, which the page must not show.
        reason = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        message = f"“{model.name}” has a {OWN_FILE} that cannot be used: {reason}."
        raise CheckpointError(message) from error
    return replace(described, location=folder, hub_id=model.hub_id)


def _missing_sentence(model: RegisteredModel) -> str:
    """Why a model's weights are not here, and how they come."""
    if not model.hub_id:
        return f"The weights of “{model.name}” are not part of this copy; choose another model."
    command = f"`python -m pathviewer model fetch {model.hub_id}`"
    if model.gated:
        return (
            f"“{model.hub_id}” is gated ({model.licence}): agree to its terms on "
            f"huggingface.co/{model.hub_id}, log in with `hf auth login`, then run {command}."
        )
    return f"“{model.hub_id}” is not on this machine; {command} fetches it."


def _unknown_sentence(name: str) -> str:
    """What a name could have been."""
    names = ", ".join(model.name for model in list_models())
    shortened = "".join(
        c for c in name.replace("\\", "/").rstrip("/").split("/")[-1] if c.isprintable()
    )
    subject = f"“{shortened[:80]}” is" if shortened.strip() else "An empty name is"
    return f"{subject} not a known model, and no folder of that name is here. Known are {names}."
