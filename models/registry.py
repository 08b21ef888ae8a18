"""Registry of models by name, and the location of their weights on this machine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from models import user_messages
from models.checkpoint_files import check_checkpoint
from models.errors import CheckpointError, PromptError, UnknownModelError
from models.hub import download, find_cached_folder, is_hub_id
from models.messages import PixelBudget
from models.model_entry import read_model_table

HERE = Path(__file__).resolve().parent
DEFAULT_MODEL = "pathviewer-r1-tiny"
"""The embedded model, used by default."""

RESULT = "checkpoint"
"""Result folder of a training run; the model takes the name of the run."""
SCRIPTED_MODEL = "scripted"
"""Name of the scripted engine, which has no checkpoint."""

OWN_FILE = "pathviewer.toml"
"""A checkpoint's description of itself; fields as in registry.toml."""


@dataclass(frozen=True, kw_only=True)
class RegisteredModel:
    """Description of a model before it is loaded."""

    name: str
    """Registry name, hub id or folder name, as the user chose it; never a path."""
    summary: str
    """One-line summary."""
    prompt_style: str
    """Style of its prompts, from question_templates.toml."""
    system: str | None = None
    """System prompt; None for the chat template's default."""
    budget: PixelBudget
    """Area of a picture after resizing."""
    licence: str
    """Licence of the weights."""
    gated: bool = False
    """Whether the hub requires an agreement before it provides the weights."""
    train_allowed: bool = True
    """Whether its completions may be used to train another model."""
    question_types: tuple[str, ...] = ()
    """Tasks that it is limited to; empty means any question."""
    lower_case_options: bool = False
    """Whether it takes options in lower case, because it was trained on no others."""
    hub_id: str | None = None
    """Id on the Hugging Face hub; None if it is not from there."""
    location: Path | None = None
    """Checkpoint folder; None until `resolve_model` has found it, and for `scripted`."""


def list_models() -> tuple[RegisteredModel, ...]:
    """Models of registry.toml in order, whether or not their weights are on this machine."""
    return tuple(_known().values())


def resolve_model(name: str, *, cache_folder: Path | None = None) -> RegisteredModel:
    """Find the model with this name, hub id or folder, and its checkpoint; uses no network.

    `cache_folder` is the hub's cache, by default huggingface_hub's. Raises UnknownModelError for an
    unknown name, CheckpointError if the weights are missing, incomplete, not safetensors, or of an
    unsupported architecture.
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
    """Download a hub model's weights into the cache at a user's request, then resolve it.

    Raises CheckpointError if the hub is unreachable or refuses, or if the disk is full, and the
    errors of `resolve_model`.
    """
    model = _known().get(name) or _of_the_hub(name)
    if model.hub_id:
        gated = _missing_sentence(replace(model, gated=True))
        download(model.hub_id, cache_folder, gated_sentence=gated)
    return resolve_model(name, cache_folder=cache_folder)


@cache
def _tables() -> dict[str, Any]:
    """Tables of registry.toml."""
    return tomllib.loads((HERE / "registry.toml").read_text(encoding="utf-8"))


@cache
def _known() -> dict[str, RegisteredModel]:
    """Registered models by name."""
    default = _tables()["default"]
    return {name: _model(name, default | table) for name, table in _tables()["models"].items()}


def _default(name: str) -> RegisteredModel:
    """Defaults for an unregistered model."""
    return _model(name, _tables()["default"])


def _of_the_hub(name: str) -> RegisteredModel:
    """Defaults for an unregistered hub model; raises UnknownModelError for other names."""
    if not is_hub_id(name):
        raise UnknownModelError(_unknown_sentence(name))
    return replace(_default(name), hub_id=name)


def _model(name: str, table: dict[str, Any]) -> RegisteredModel:
    """Build a model from a registry table; raises ValueError or PromptError if it is invalid."""
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
    """Whether the name is the path of a folder."""
    try:
        return bool(name.strip()) and Path(name).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _from_folder(folder: Path) -> RegisteredModel:
    """The model in a folder, described as a known model if it has that name."""
    name = (folder.parent.name if folder.name == RESULT else "") or folder.name
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        name = folder.parent.parent.name.removeprefix("models--").replace("--", "/", 1)
    check_checkpoint(folder, name)
    for model in list_models():
        if name in {model.name, model.name.split("/")[-1]} and model.name != SCRIPTED_MODEL:
            return _described(folder, replace(model, name=name))
    return _described(folder, _default(name))


def _described(folder: Path, model: RegisteredModel) -> RegisteredModel:
    """The model in `folder`, with the folder's description of itself."""
    model = replace(model, location=folder)
    own_table = folder / OWN_FILE
    if not own_table.is_file():
        return model
    try:
        table = tomllib.loads(own_table.read_text(encoding="utf-8"))
        if "hub_id" in table:  # for registry.toml only
            raise ValueError(user_messages.HUB_ID_NOT_ALLOWED)
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
        # The full text of an OSError contains the path, which the page must not show.
        reason = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        message = user_messages.own_file_unusable(model.name, OWN_FILE, reason)
        raise CheckpointError(message) from error
    return replace(described, location=folder, hub_id=model.hub_id)


def _missing_sentence(model: RegisteredModel) -> str:
    """Message that a model's weights are missing, and how to get them."""
    if not model.hub_id:
        return user_messages.model_not_installed(model.name)
    if model.gated:
        return user_messages.model_gated(model.hub_id, model.licence)
    return user_messages.model_not_fetched(model.hub_id)


def _unknown_sentence(name: str) -> str:
    """Message listing what a name can be."""
    shortened = "".join(
        c for c in name.replace("\\", "/").rstrip("/").split("/")[-1] if c.isprintable()
    )
    return user_messages.unknown_model(shortened, [model.name for model in list_models()])
