"""The surroundings of the model's process: off line, its own size, and behind the pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import models

ROOT = Path(models.__file__).resolve().parents[1]
NICENESS = 5
"""Added to the child's niceness, so that tiles are served while it writes."""
OOM_SCORE = 500
"""Added to the child's chance of being ended when the machine runs out of memory (-1000 to 1000):
the kernel then takes the model, which is started again, and not the pages."""
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where a container's share of the processors stands, as `quota period` in microseconds."""

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
    """Environment of the child: `given`, nothing that phones home, threads for its processors.

    A number of threads that somebody chose in `OMP_NUM_THREADS` is kept.
    """
    path = os.pathsep.join(part for part in (str(ROOT), parent.get("PYTHONPATH")) if part)
    environment = dict(parent) | _QUIET | {"PYTHONPATH": path}
    threads = count_processors(quota)
    if threads is not None:
        environment.setdefault("OMP_NUM_THREADS", str(threads))
    # threads that wait by spinning take the cores that tiles are sent from
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def count_processors(quota: Path = CPU_QUOTA) -> int | None:
    """Processors that the container allows; None if it allows all that the system shows.

    The mathematics libraries count those that the system shows, and threads beyond the quota wait
    for each other.
    """
    try:
        allowed, period = quota.read_text().split()[:2]
        share = int(allowed) / int(period)  # `max` is no number: there is no quota
    except (OSError, ValueError, ZeroDivisionError):
        return None
    count = max(1, round(share))
    return count if count < (os.cpu_count() or 1) else None


def lower_priority() -> None:
    """Let the pages go first, here and when memory runs out; where the system cannot, go on."""
    if sys.platform == "win32":
        return
    try:
        os.nice(NICENESS)
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    except OSError:
        return
