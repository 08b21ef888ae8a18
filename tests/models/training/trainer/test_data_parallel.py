from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from models.errors import ModelError
from models.training.stages.vision import VisionConfig, train_vision
from models.training.trainer import data_parallel
from models.training.trainer.run_folder import load_network, mixed_precision, read_config
from tests.models.training.killed_run import ROOT

pytestmark = pytest.mark.long

CONFIG = """
data = ["{tiles}"]
batch = 2
[loop]
steps = 12
accumulate = 3
warmup = 1
learning_rate = 1e-3
note_every = 1
evaluate_every = 12
save_every = 1
"""


def begun(tiles: Path, start: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """`train vision` in two processes, on CPUs."""
    path = out.with_suffix(".toml")
    path.write_text(CONFIG.format(tiles=tiles))
    given = ["--config", path, "--start", start, "--out", out, "--processes", "2", *more]
    command = [sys.executable, "-m", "pathviewer", "train", "vision", *map(str, given)]
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(command, cwd=ROOT, env=hidden, stderr=subprocess.PIPE, text=True)


def test_two_processes_broken_off_and_resumed_make_the_steps_of_one(
    tmp_path: Path,
    tiles: Path,
    mini_checkpoint: Path,
    one_thread: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two, one = tmp_path / "two", tmp_path / "one"
    process = begun(tiles, mini_checkpoint, two)
    while not (two / "last.pt").exists() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate()
    assert process.returncode == 1, told
    assert "Interrupted; --resume continues from the last checkpoint." in told
    assert not (two / "checkpoint").exists()

    _, told = (refused := begun(tiles, mini_checkpoint, two)).communicate()
    assert refused.returncode == 1
    assert f"{two} holds a run: --resume continues it" in told
    assert told.rstrip().endswith("One of the 2 processes ended; its output is above.")

    _, told = (resumed := begun(tiles, mini_checkpoint, two, "--resume")).communicate()
    assert resumed.returncode == 0, told
    assert told.count("Wrote ") == 1

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = read_config(tmp_path / "two.toml", VisionConfig)
    train_vision(config, mini_checkpoint, one, resume=False)
    weights = load_network(one / "checkpoint").state_dict()
    for name, value in load_network(two / "checkpoint").state_dict().items():
        assert torch.allclose(value, weights[name], atol=1e-3), name
    lines = [
        [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (one, two)
    ]
    assert len(lines[0]) == len(lines[1]) == 13  # each step, and the validation split
    for alone, shared in zip(*lines, strict=True):
        assert list(alone) == list(shared)
        figures = [{**each, "seconds": 0} for each in (alone, shared)]
        assert figures[0] == pytest.approx(figures[1], abs=1e-2)


def test_more_processes_than_batches_are_refused() -> None:
    data_parallel.check_shares(2, 2)
    with pytest.raises(ModelError, match=r"Too few batches in a step \(2\) for 3 processes"):
        data_parallel.check_shares(2, 3)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ModelError, match=r"Too few GPUs \(1\) for 2 processes"):
        data_parallel.check_shares(4, 2)


def test_a_process_by_itself_has_every_batch() -> None:
    assert list(data_parallel.own_batches(3)) == [0, 1, 2]
    assert data_parallel.is_leader()
    assert data_parallel.sum_figures({"loss": 2.0}) == {"loss": 2.0}


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
