"""Classification of engine errors by class name and message, without importing torch."""

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
"""PyTorch's messages for failed allocations that have no class of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether CPU or GPU memory ran out."""
    if isinstance(error, MemoryError) or _is_called(error, "OutOfMemoryError"):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in MEMORY_SIGNS)


def is_gpu_lost(error: BaseException) -> bool:
    """Whether the GPU failed otherwise; CUDA then refuses all further work in this process."""
    failed = _is_called(error, "AcceleratorError") or "CUDA error" in str(error)
    return failed and not is_out_of_memory(error)


def _is_called(error: BaseException, name: str) -> bool:
    """Whether the error's class or one of its bases has this name."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
