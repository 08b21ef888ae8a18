"""What an engine's error means, told without importing torch: by its class and its words."""

from __future__ import annotations

MEMORY_SIGNS = (
    "DefaultCPUAllocator",
    "can't allocate memory",
    "bad allocation",
    "std::bad_alloc",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""How PyTorch words a failed allocation where it has no class for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on a processor or a GPU."""
    if isinstance(error, MemoryError) or _is_called(error, "OutOfMemoryError"):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in MEMORY_SIGNS)


def is_gpu_lost(error: BaseException) -> bool:
    """Whether the GPU failed otherwise; CUDA then refuses this process everything further."""
    failed = _is_called(error, "AcceleratorError") or "CUDA error" in str(error)
    return failed and not is_out_of_memory(error)


def _is_called(error: BaseException, name: str) -> bool:
    """Whether the error's class, or one that it derives from, has that name."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
