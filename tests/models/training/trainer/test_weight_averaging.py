from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from models.training.specimen.random_init import write_fresh_checkpoint
from models.training.trainer.run_folder import load_network
from pathviewer.commands.train import app


def run(*arguments: object) -> str:
    return str(CliRunner().invoke(app, ["average", *map(str, arguments)]).exception or "")


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [
        write_fresh_checkpoint(tmp_path / f"mini-{seed}", seed=seed, size="mini") for seed in (0, 1)
    ]


def test_the_mean_of_two_is_a_checkpoint(two: list[Path], tmp_path: Path) -> None:
    one, other, mean, small = (
        load_file(folder / "model.safetensors")
        for folder in (*two, _made(two, tmp_path / "m"), _made(two, tmp_path / "s", "--bfloat16"))
    )
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, (one[name] + other[name]) / 2)
        assert small[name].equal(tensor.to(torch.bfloat16))
    assert load_network(tmp_path / "s")
    dtypes = [json.loads((tmp_path / f / "config.json").read_text())["dtype"] for f in ("m", "s")]
    assert dtypes == ["float32", "bfloat16"]
    assert {p.name for p in (tmp_path / "m").iterdir()} == {p.name for p in two[0].iterdir()}


def test_what_cannot_be_averaged_is_told(two: list[Path], tmp_path: Path) -> None:
    assert "is not empty" in run(*two, "--out", two[0])
    assert "no model.safetensors" in run(*two, tmp_path, "--out", tmp_path / "out")
    (tmp_path / "odd").mkdir()
    weights = load_file(two[0] / "model.safetensors")
    weights.pop(next(iter(weights)))
    from safetensors.torch import save_file

    save_file(weights, tmp_path / "odd" / "model.safetensors")
    assert "differ in shape" in run(*two, tmp_path / "odd", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _made(two: list[Path], out: Path, *more: str) -> Path:
    assert run(*two, "--out", out, *more) == ""
    return out
