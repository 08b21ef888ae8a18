"""Every way in which memory runs out is known, in the worker and beside the network alike."""

from __future__ import annotations

import pytest
import torch

from models.engines.fault_messages import MEMORY_SIGNS, is_gpu_lost, is_out_of_memory
from models.engines.local.memory import convert_memory_errors
from models.engines.worker.process import as_model_error
from models.errors import OutOfMemoryError

RAN_OUT = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    *(RuntimeError(f"[enforce fail] {sign}: 8 bytes") for sign in MEMORY_SIGNS),
]


@pytest.mark.parametrize("error", RAN_OUT, ids=repr)
def test_memory_that_ran_out_is_known_in_both_places(error: Exception) -> None:
    assert isinstance(as_model_error(error), OutOfMemoryError)
    assert not is_gpu_lost(error)
    with pytest.raises(OutOfMemoryError), convert_memory_errors("The answer"):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), ValueError("std::bad_alloc")])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_a_gpu_that_is_lost_is_known() -> None:
    assert is_gpu_lost(torch.AcceleratorError("device-side assert triggered"))
    assert is_gpu_lost(RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"))
    assert not is_gpu_lost(RuntimeError("size mismatch"))


def test_a_real_allocation_that_fails_is_known() -> None:
    with pytest.raises(RuntimeError) as found:
        torch.empty(2**55)
    assert is_out_of_memory(found.value)
