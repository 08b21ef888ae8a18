"""Conversion of CPU and GPU out-of-memory errors into one; the model stays usable."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from models.engines import user_messages
from models.engines.fault_messages import is_out_of_memory
from models.errors import OutOfMemoryError


@contextmanager
def convert_memory_errors(
    activity: str, release: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Turn a failed allocation into an OutOfMemoryError that names `activity`, after `release`."""
    ran_out = False
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        ran_out = True  # raised below, where the traceback holds no tensors
    if ran_out:
        release()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemoryError(user_messages.memory_short(activity))
