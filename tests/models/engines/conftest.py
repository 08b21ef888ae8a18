"""The mini checkpoint, made to say more, and a backend that runs it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from models.engines.local.engine import LocalEngine
from tests.models.engines.local_asking import BUDGET


@pytest.fixture(scope="module")
def checkpoint(mini_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini checkpoint with larger weights, so that it does not repeat one token for ever.

    Its ends of turn have no weight, so that its likeliest tokens are never those.
    """
    folder = tmp_path_factory.mktemp("restless") / "mini"
    shutil.copytree(mini_checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    grown = {
        name: tensor * 8 if "proj" in name and "visual" not in name else tensor
        for name, tensor in weights.items()
    }
    grown["model.embed_tokens.weight"][[0, 2]] = 0
    save_file(grown, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def backend(checkpoint: Path) -> Iterator[LocalEngine]:
    """Of that checkpoint, in this process."""
    opened = LocalEngine(checkpoint, "mini", device="cpu", budget=BUDGET)
    yield opened
    opened.close()
