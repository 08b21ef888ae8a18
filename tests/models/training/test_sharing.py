from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.errors import ModelError
from models.training import sharing
from models.training.stages import load_network, mixed_precision, read_config
from models.training.vision import VisionConfig, train_vision
from tests.models.training.killed_run import ROOT

CONFIG = """
data = ["{tiles}"]
batch = 2
[loop]
steps = 4
accumulate = {accumulate}
warmup = 1
learning_rate = 1e-3
note_every = 1
evaluate_every = 4
"""


def shared_run(tiles: Path, start: Path, out: Path, accumulate: int) -> subprocess.CompletedProcess:
    path = out.with_suffix(".toml")
    path.write_text(CONFIG.format(tiles=tiles, accumulate=accumulate))
    given = ["--config", path, "--start", start, "--out", out, "--processes", "2"]
    command = [sys.executable, "-m", "pathviewer", "train", "vision", *map(str, given)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_processes_make_the_steps_of_one(
    tmp_path: Path, tiles: Path, mini_checkpoint: Path, one_thread: None
) -> None:
    done = shared_run(tiles, mini_checkpoint, tmp_path / "two", 3)
    assert done.returncode == 0, done.stderr
    config = read_config(tmp_path / "two.toml", VisionConfig)
    train_vision(config, mini_checkpoint, tmp_path / "one", resume=False)
    weights = load_network(tmp_path / "one/checkpoint").state_dict()
    for name, value in load_network(tmp_path / "two/checkpoint").state_dict().items():
        assert torch.allclose(value, weights[name], atol=1e-4), name
    told = [
        [json.loads(line) for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("one", "two")
    ]
    assert len(told[0]) == len(told[1]) == 5  # each step, and the validation split
    for one, two in zip(*told, strict=True):
        one.pop("seconds", None), two.pop("seconds", None)
        assert one == pytest.approx(two, abs=1e-4)
        assert list(one) == list(two)


def test_more_processes_than_batches_are_refused(
    tmp_path: Path, tiles: Path, mini_checkpoint: Path
) -> None:
    done = shared_run(tiles, mini_checkpoint, tmp_path / "run", 1)
    assert done.returncode == 1
    assert "2 processes cannot share 1 batches of a step" in done.stderr
    assert done.stderr.rstrip().endswith("what it said stands above.")


def test_a_process_by_itself_has_every_batch() -> None:
    assert list(sharing.own_batches(3)) == [0, 1, 2]
    assert sharing.leads()
    assert sharing.sum_figures({"loss": 2.0}) == {"loss": 2.0}


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(ModelError, match="One of the 2 processes ended"):
        sharing.begin_together(2, [sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"avx2": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"architecture": "arm64", "bf16": True}, torch.bfloat16),
    ],
)
def test_bfloat16_is_taken_only_where_the_processor_has_it(
    able: dict[str, object], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    with mixed_precision():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected
