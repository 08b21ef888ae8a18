"""A run of the command line that is killed in the midst of it, as by the power going off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def killed_run(arguments: list[str], is_due: Callable[[], bool]) -> None:
    """Run `python -m pathviewer train ...` and kill -9 it as soon as `is_due`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pathviewer", "train", *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not is_due() and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    _, told = process.communicate()
    assert process.returncode == -signal.SIGKILL, told
