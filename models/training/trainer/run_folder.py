"""Run folders, shared by all stages: config, network, and atomically written checkpoints."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from pydantic import AfterValidator, BaseModel, ValidationError

from models.engines.local.checkpoint import check_fit, check_weights
from models.engines.local.checkpoint import read_config as read_checkpoint_config
from models.engines.local.checkpoint_loading import NETWORKS, is_ampere
from models.errors import CheckpointError, ModelError
from models.processing import load_processor
from models.registry import OWN_FILE, RegisteredModel, resolve_model
from models.training.trainer.data_parallel import is_leader

Config = TypeVar("Config", bound=BaseModel)

BESIDE_WEIGHTS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "chat_template.json",
    "preprocessor_config.json",
    OWN_FILE,
)
"""Checkpoint files that training does not change."""
RUN_FILE = "run.json"
METRICS = "metrics.jsonl"
UNKNOWN_LICENCE = "unknown"
"""The registry's value for an unknown licence."""
LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "numpy")


def read_table(path: Path) -> dict[str, Any]:
    """Read a config from TOML; raises ModelError if it is unreadable."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"The config {path} cannot be read: {error.strerror}."
        raise ModelError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"The config {path} is not TOML: {error}."
        raise ModelError(message) from error


def override_table(
    table: Mapping[str, Any], *, data: Sequence[Path] | None, seed: int | None
) -> dict[str, Any]:
    """Replace data folders and seed in a table, where given.

    The seed is in the table `loop` if the config has one.
    """
    overridden = dict(table)
    if data:
        overridden.pop("dataset", None)
        overridden["data"] = list(data)
    if seed is not None and "loop" in overridden:
        overridden["loop"] = dict(overridden["loop"]) | {"seed": seed}
    elif seed is not None:
        overridden["seed"] = seed
    return overridden


def parse_config(table: Mapping[str, Any], kind: type[Config], path: Path) -> Config:
    """Validate a stage's config; raises ModelError naming each wrong field and why."""
    try:
        return kind.model_validate(dict(table))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'as a whole'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        message = f"The config {path} is invalid. {problems}."
        raise ModelError(message) from error


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read a stage's config from its file; raises ModelError as above."""
    return parse_config(read_table(path), kind, path)


def allow_changes(kind: type) -> AfterValidator:
    """Validator for a config table that changes fields of a dataclass; refuses other keys."""
    field_names = [field.name for field in fields(kind)]

    def check(changes: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(changes) - set(field_names))
        if unknown:
            message = f"there is no {', '.join(unknown)}; known are {', '.join(field_names)}"
            raise ValueError(message)
        return changes

    return AfterValidator(check)


def begin_run(out: Path, stage: str, config: BaseModel, start: Path, *, resume: bool) -> None:
    """Create the run's folder and describe the run in `run.json`.

    Only the first of several processes does this. Raises CheckpointError if the folder holds a run
    that is not to be resumed, or one with other settings, since continuing that would be neither
    run.
    """
    if not is_leader():
        return
    run_table = {
        "stage": stage,
        "start": str(start.resolve()),
        "config": config.model_dump(mode="json"),
    }
    path = out / RUN_FILE
    begun = [*out.glob(METRICS), *out.glob("last.pt"), *out.glob("checkpoint*")]
    if path.exists() and begun:
        if not resume:
            message = f"{out} holds a run: --resume continues it, another --out starts a new one."
            raise CheckpointError(message)
        other = _changed_keys(json.loads(path.read_text(encoding="utf-8")), run_table)
        if other:
            message = f"{out} holds a run with another {', '.join(other)}; name another --out."
            raise CheckpointError(message)
        return
    out.mkdir(parents=True, exist_ok=True)
    libraries = {name: version(name) for name in LIBRARIES}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(run_table | {"libraries": libraries}, indent=1), encoding="utf-8")
    part.replace(path)


def note_figures(out: Path, step: int, figures: Mapping[str, float]) -> str:
    """Append a step's figures to the run's metrics, without non-finite ones; return the line."""
    finite = {name: round(value, 6) for name, value in figures.items() if abs(value) < float("inf")}
    line = json.dumps({"step": step} | finite)
    with (out / METRICS).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return line


def forget_after(out: Path, step: int) -> None:
    """Drop figures of steps after `step`, which the resumed run logs again."""
    path = out / METRICS
    if not path.exists():
        return
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            if json.loads(line)["step"] <= step:
                lines.append(line)
        except ValueError:  # the run was killed while writing
            continue
    part = path.with_suffix(".part")
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(path)


def find_start_folder(name: str) -> Path:
    """Checkpoint to start from, by folder, hub id or registered name.

    Raises the errors of `registry.resolve_model`.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    location = resolve_model(name).location
    if location is None:
        message = f"“{name}” has no weights to train."
        raise CheckpointError(message)
    return location


def find_start_model(start: Path) -> RegisteredModel:
    """Description of the initial checkpoint: its prompt style and licence.

    Raises CheckpointError if the folder has none, or an unsupported one.
    """
    if not start.is_dir():
        message = f"{start} is not a folder; `train new` writes a checkpoint to start from."
        raise CheckpointError(message)
    return resolve_model(str(start.resolve()))


def load_network(start: Path, dtype: torch.dtype = torch.float32) -> Any:
    """Load a checkpoint's network for training.

    Raises CheckpointError if its files are incomplete or the tokenizer belongs to another network.
    """
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config = read_checkpoint_config(start, start.name)
    check_weights(start, start.name)
    check_fit(load_processor(start), config, start.name)
    network: Any = NETWORKS[config["model_type"]]
    return network.from_pretrained(start, dtype=dtype, use_safetensors=True, local_files_only=True)


def device() -> torch.device:
    """Training device: CUDA if available."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def multiplies_bfloat16() -> bool:
    """Whether the training device multiplies bfloat16 in hardware.

    NVIDIA GPUs do since Ampere, some CPUs by AVX-512 BF16, AMX or ARM's BF16. Elsewhere it is
    emulated, many times slower than float32 (`bench training`).
    """
    if device().type == "cuda":
        return is_ampere(device())
    able = torch.cpu.get_capabilities()
    native = ("avx512_bf16", "amx_bf16", "bf16")
    return any(able.get(name, False) for name in native)


def mixed_precision() -> torch.autocast:
    """Matrix products in bfloat16 where that is fast, otherwise float32 throughout."""
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=multiplies_bfloat16())


def copy_with_weights(
    network: Any, start: Path, folder: Path, model: RegisteredModel | None = None
) -> None:
    """Write the network with its original tokenizer and processor, atomically.

    Only the first of several processes does this. With `model`, the folder describes how the model
    was prompted in training, so that it is prompted the same way afterwards.
    """
    if not is_leader():
        return
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    network.save_pretrained(part)
    for name in BESIDE_WEIGHTS:
        if (start / name).exists():
            shutil.copyfile(start / name, part / name)
    if model:
        (part / OWN_FILE).write_text(_model_table_text(model), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _model_table_text(model: RegisteredModel) -> str:
    """Text of a checkpoint's `pathviewer.toml`."""
    values: dict[str, Any] = {
        "prompt_style": model.prompt_style,
        "min_pixels": model.budget.min_pixels,
        "max_pixels": model.budget.max_pixels,
        "question_types": list(model.question_types),
    }
    if model.lower_case_options:
        values["lower_case_options"] = True
    if model.system is not None:
        values["system"] = model.system
    if model.licence != UNKNOWN_LICENCE:
        values |= {"licence": model.licence, "train_allowed": model.train_allowed}
    # strings, numbers, booleans and lists of strings are written alike in JSON and TOML
    return "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()
    )


def _changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of settings that differ from another run's."""
    names = [name for name in ("stage", "start") if before.get(name) != now[name]]
    old, new = before.get("config", {}), now["config"]
    return names + sorted(
        name for name in old.keys() | new.keys() if old.get(name) != new.get(name)
    )
