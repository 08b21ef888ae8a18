"""Load on a server by wrk: how many requests it answers, and how fast."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPT = Path(__file__).parent / "walk.lua"


class LoadError(Exception):
    """wrk is missing, or a request failed, so that the figures mean nothing."""


@dataclass(frozen=True)
class LoadFigures:
    """What one run measured."""

    requests: int
    """Number of answers."""

    requests_per_s: float
    """Answers per second."""

    p50_ms: float
    """Half of the answers took no longer, in milliseconds."""

    p95_ms: float
    """All but one in twenty took no longer, in milliseconds."""


@dataclass
class Walk:
    """Paths of one server, walked in order; each run goes on where the last one ended."""

    base: str
    """Address of the server, without a slash at the end."""

    paths: Sequence[str]
    """What to ask for, in this order, again from the start at the end."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request."""

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
    """The figures that wrk prints."""
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
        raise LoadError(f"{errors} of {requests} requests failed; the figures mean nothing.")
    return LoadFigures(requests, requests / microseconds * 1e6, p50 / 1e3, p95 / 1e3)
