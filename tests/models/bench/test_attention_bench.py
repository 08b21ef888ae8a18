"""The attention bench measures what it says, on a network small enough for a test."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from models.bench.attention import measure_attention
from models.bench.memory import recorded_peak
from models.errors import CheckpointError


def test_capture_is_exact_and_eager_takes_more_memory() -> None:
    found = measure_attention(size="small", cells=8, tokens=20, rounds=1, device="cpu")
    assert found.tokens_identical == 1
    assert found.max_abs_diff < 1e-5
    assert found.memory_ratio < 1.05
    assert found.eager_memory_ratio > found.memory_ratio
    assert min(found.time_ratio, found.eager_time_ratio, found.seconds) > 0


@pytest.mark.parametrize(
    ("options", "says"),
    [({"size": "huge"}, "'huge'"), ({"kernel": "magic"}, "'magic'"), ({"device": "tpu"}, "'tpu'")],
)
def test_what_is_not_known_is_a_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CheckpointError, match=says):
        measure_attention(**options)


def test_the_peak_is_what_was_held_at_once() -> None:
    def work() -> None:
        first = torch.empty(2**20, dtype=torch.uint8)
        second = torch.empty(2**21, dtype=torch.uint8)
        del first, second
        torch.empty(2**21, dtype=torch.uint8)

    assert 3 * 2**20 <= recorded_peak(work) < 3 * 2**20 + 4096
