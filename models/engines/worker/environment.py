"""Environment of the model's process: offline, with its threads limited and at low priority."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import models

ROOT = Path(models.__file__).resolve().parents[1]
NICENESS = 5
"""Niceness of the child, so that tiles are served while it writes."""
OOM_SCORE = 500
"""OOM score adjustment of the child (-1000 to 1000): if memory runs out, the kernel ends the model,
which is restarted, and not the server.
"""
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""CPU quota of a container, `quota period` in microseconds."""

_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}


def child_environment(parent: Mapping[str, str], quota: Path = CPU_QUOTA) -> dict[str, str]:
    """Environment of the child: `parent`, with libraries offline and quiet, and limited threads.

    A value of `OMP_NUM_THREADS` in `parent` is preserved.
    """
    path = os.pathsep.join(part for part in (str(ROOT), parent.get("PYTHONPATH")) if part)
    environment = dict(parent) | _QUIET | {"PYTHONPATH": path}
    threads = count_processors(quota)
    if threads is not None:
        environment.setdefault("OMP_NUM_THREADS", str(threads))
    # spinning threads take the cores that serve tiles
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def count_processors(quota: Path = CPU_QUOTA) -> int | None:
    """Number of processors that the container allows; None if not limited.

    Mathematics libraries count the system's processors, and threads beyond the quota wait for each
    other.
    """
    try:
        allowed, period = quota.read_text().split()[:2]
        share = int(allowed) / int(period)  # `max` is not a number: no quota
    except (OSError, ValueError, ZeroDivisionError):
        return None
    count = max(1, round(share))
    return count if count < (os.cpu_count() or 1) else None


def lower_priority() -> None:
    """Lower the priority for CPU and memory, where the system allows it."""
    if sys.platform == "win32":
        return
    try:
        os.nice(NICENESS)
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    except OSError:
        return
