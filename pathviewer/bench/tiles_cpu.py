"""CPU time of a server per tile, which is more repeatable than requests per second."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from pathviewer.bench.load import Walk
from pathviewer.bench.tiles_servers import RunningServer

_CONNECTIONS = 8
_SECONDS = 1


@dataclass(frozen=True)
class CpuTimes:
    """CPU time of two servers per request, medians of alternating rounds."""

    own_us: float
    """The application's user and system time, microseconds."""

    constant_us: float
    """The same for a constant response of the same size."""

    ratio: float
    """Median of the ratios per round."""

    spread: float
    """Half of the rounds' ratios lie within this share of the median, above and below."""


def cpu_per_tile(
    walks: Mapping[str, Walk], servers: Mapping[str, RunningServer], rounds: int
) -> CpuTimes:
    """Compare `ours` with `limit` in alternating rounds of eight connections.

    `rounds` is at least 2. Raises LoadError.
    """
    times: dict[str, list[float]] = {"ours": [], "limit": []}
    for turn in range(rounds):
        for kind in sorted(times, reverse=turn % 2 == 0):
            times[kind].append(_microseconds(walks[kind], servers[kind]))
        ours, limit = times["ours"][-1], times["limit"][-1]
        sys.stderr.write(f"round {turn + 1}: {ours:.1f} and {limit:.1f} us of CPU time\n")
    ratios = [ours / limit for ours, limit in zip(times["ours"], times["limit"], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    own, constant = statistics.median(times["ours"]), statistics.median(times["limit"])
    return CpuTimes(own, constant, middle, (high - low) / 2 / middle)


def _microseconds(walk: Walk, server: RunningServer) -> float:
    """Return the server's CPU time per response."""
    before = server.cpu_s
    load = walk.run(_CONNECTIONS, _SECONDS)
    return (server.cpu_s - before) / load.requests * 1e6
