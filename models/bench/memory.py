"""Peak of the tensors that a piece of work needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def peak_bytes(work: Callable[[], object], network: Any) -> int:
    """Most bytes that tensors took while `work` ran, the network's weights counted.

    On CUDA as its allocator says; on a CPU, whose allocator keeps no such count, from the
    profiler's record of every allocation.
    """
    device = network.device
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device))
    weights = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    return int(weights) + recorded_peak(work)


def recorded_peak(work: Callable[[], object]) -> int:
    """Most bytes that were allocated at once by PyTorch on the CPU while `work` ran."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        work()
    results: Any = profile.profiler
    changes = sorted(
        (event.start_ns(), event.nbytes())
        for event in results.kineto_results.events()
        if event.name() == "[memory]"
    )
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak
