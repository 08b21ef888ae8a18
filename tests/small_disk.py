"""A disk that is full after a few kilobytes."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Callable[[], None]]:
    """Let `folder` hold so many KiB, in whole pages of 4; the function given makes room.

    A disk in memory for root, ENOSPC and all; for others no file of this process may grow beyond
    that size, which the system tells as EFBIG.
    """
    folder.mkdir(exist_ok=True)
    size = f"size={kib}k"
    if _done("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)):
        try:
            yield lambda: _do("mount", "-o", "remount,size=64m", str(folder))
        finally:
            _do("umount", "--lazy", str(folder))
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, limits[1]))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def _done(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _do(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True)
