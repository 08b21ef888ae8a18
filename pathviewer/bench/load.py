"""Load on a server by wrk: throughput and latency."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPT = Path(__file__).parent / "walk.lua"


class LoadError(Exception):
    """wrk is missing, or a request failed, which invalidates the results."""


@dataclass(frozen=True)
class LoadFigures:
    """Results of one run."""

    requests: int
    """Number of responses."""

    requests_per_s: float
    """Responses per second."""

    p50_ms: float
    """Median latency, ms."""

    p95_ms: float
    """95th percentile of the latency, ms."""


@dataclass
class Walk:
    """Paths of one server, requested in order; each run continues the previous one."""

    base: str
    """Address of the server, without a trailing slash."""

    paths: Sequence[str]
    """Paths in order of requests, repeated from the start."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of every request."""

    start: int = 0
    """Index of the next path."""

    def run(self, connections: int, seconds: float) -> LoadFigures:
        """Keep that many connections busy. Raises LoadError."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(self.paths))
            file.flush()
            command = ["wrk", "--threads=1", f"--connections={connections}"]
            command += [f"--duration={max(1, round(seconds))}s", f"--script={_SCRIPT}"]
            for name, value in self.headers.items():
                command += ["--header", f"{name}: {value}"]
            load = _result([*command, self.base, "--", file.name, str(self.start)])
        self.start = (self.start + load.requests) % len(self.paths)
        return load


def _result(command: Sequence[str]) -> LoadFigures:
    """Run wrk and parse its results."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise LoadError(
            "wrk is not installed; on Debian and Ubuntu: apt-get install wrk."
        ) from error
    except subprocess.CalledProcessError as error:
        raise LoadError(f"wrk failed: {error.stderr.strip()}") from error
    line = next(line for line in done.stdout.splitlines() if line.startswith("walked "))
    requests, microseconds, p50, p95, errors = (int(word) for word in line.split()[1:])
    if errors or not requests:
        raise LoadError(f"{errors} of {requests} requests failed; the results are invalid.")
    return LoadFigures(requests, requests / microseconds * 1e6, p50 / 1e3, p95 / 1e3)
