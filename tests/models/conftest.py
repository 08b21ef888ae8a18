"""A checkpoint of random weights that the tests of running models share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mini_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2.5-VL of two layers and a few 100,000 random weights; not to be changed."""
    from models.training.fresh import write_fresh_checkpoint

    return write_fresh_checkpoint(tmp_path_factory.mktemp("checkpoint") / "mini", size="mini")
