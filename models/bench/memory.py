"""Peak tensor memory of a piece of work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def peak_bytes(work: Callable[[], object], network: Any) -> int:
    """Peak bytes of tensors while `work` runs, including the network's weights.

    On CUDA, the allocator reports it; the CPU's keeps no count, so the profiler's record of every
    allocation is used.
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
    """Peak bytes allocated by PyTorch on the CPU while `work` runs."""
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
