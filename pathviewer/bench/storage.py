"""`bench storage`: concurrent feedback of many raters, and loss after a kill."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pathviewer.bench.kill_loop import KillFigures, run_kill_loop
from pathviewer.bench.load import LoadError
from pathviewer.bench.storage_load import LoadOutcome, Pace, load, load_until_killed
from pathviewer.bench.storage_site import count_lost, make_site, storage_app
from pathviewer.bench.tiles_servers import serve_app
from pathviewer.settings import read_settings
from storage.errors import StorageError

WARM_UP_SECONDS = 2.0
ALONE_SECONDS = 5.0
KILL_SECONDS = 1.5
COMPLETIONS = 200


@dataclass(frozen=True)
class StorageFigures:
    """Results of a run."""

    writes_per_s: float
    """Acknowledged submissions per second."""

    p99_ms: float
    """99th percentile from due time to acknowledgement, ms."""

    lost: int
    """Acknowledged submissions missing after the kill."""

    p50_ms: float
    """Median, likewise."""

    worst_ms: float
    """Maximum, likewise."""

    acknowledged: int
    """Submissions acknowledged until the kill."""

    reads_p99_ms: float
    """99th percentile of read requests during the writes, ms."""

    reads_alone_p99_ms: float
    """The same without writes."""

    kills: KillFigures | None = None
    """Results of further kills of single processes; None if not requested."""


@dataclass(frozen=True)
class KillOptions:
    """Kills after the measured load."""

    count: int = 0
    """Number of kills; 0 for none."""
    seed: int = 0
    """Seed of their times and targets."""
    model: str = "none"
    """Model that answers meanwhile."""


def bench_storage(
    pace: Pace, seconds: float, url: str, kills: KillOptions, json_output: bool
) -> None:
    """Print the results. Raises LoadError if a measurement fails."""
    folder = read_settings().data / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-storage-", dir=folder) as name:
        figures = measure(Path(name), pace, seconds, url, kills)
    text = json.dumps(as_json(figures)) if json_output else "\n".join(table(figures))
    sys.stdout.write(text + "\n")


def measure(
    data: Path, pace: Pace, seconds: float, url: str = "", kills: KillOptions | None = None
) -> StorageFigures:
    """Measure reads alone, then with writes, then a kill during writes.

    `url` names an empty database; without it, SQLite in the folder. Raises LoadError.
    """
    try:
        site = make_site(data, pace.connections, COMPLETIONS, url)
    except StorageError as error:
        raise LoadError(f"The benchmark needs an empty database of its own. {error}") from error
    numbers = itertools.count()
    warm, alone, together = LoadOutcome(), LoadOutcome(), LoadOutcome()
    with serve_app(storage_app, site.data, site.url) as server:
        asyncio.run(load(server.base, site, pace, WARM_UP_SECONDS, warm, numbers))
        asyncio.run(load(server.base, site, Pace(0, None), ALONE_SECONDS, alone, numbers))
        begin = time.monotonic()
        asyncio.run(load(server.base, site, pace, seconds, together, numbers))
        took = time.monotonic() - begin  # longer than `seconds` if the server falls behind
        killed = asyncio.run(load_until_killed(server, KILL_SECONDS, site, pace, numbers))
    acknowledged_ids = warm.acknowledged | together.acknowledged | killed.acknowledged
    if not together.write_seconds or not killed.acknowledged:
        raise LoadError("Nothing was acknowledged; there are no results.")
    further = None
    if kills is not None and kills.count:
        further = run_kill_loop(site, kills.count, kills.seed, kills.model, next(numbers))
    return StorageFigures(
        kills=further,
        writes_per_s=round(len(together.write_seconds) / took, 1),
        p99_ms=milliseconds(together.write_seconds, 0.99),
        lost=count_lost(site, acknowledged_ids) + (further.lost if further else 0),
        p50_ms=milliseconds(together.write_seconds, 0.5),
        worst_ms=milliseconds(together.write_seconds, 1.0),
        acknowledged=len(acknowledged_ids),
        reads_p99_ms=milliseconds(together.read_seconds, 0.99),
        reads_alone_p99_ms=milliseconds(alone.read_seconds, 0.99),
    )


def as_json(result: StorageFigures) -> dict[str, object]:
    """Return the results as JSON values; `kills` is the number of kills, beside their results."""
    figures: dict[str, object] = vars(result) | {"kills": 0}
    if result.kills is not None:
        further = asdict(result.kills)
        del further["lost"]  # counted in `lost`
        figures |= further | {"acknowledged_amid_kills": further["acknowledged"]}
        figures["acknowledged"] = result.acknowledged
    return figures


def milliseconds(seconds: Sequence[float], share: float) -> float:
    """Return the quantile of that share, in milliseconds."""
    ordered = sorted(seconds)
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1e3, 1)


def table(figures: StorageFigures) -> list[str]:
    """Return the results as lines of text."""
    rows = [
        f"acknowledged writes per second  {figures.writes_per_s:.1f}",
        f"p50, p99, worst, ms             {figures.p50_ms}, {figures.p99_ms}, {figures.worst_ms}",
        f"reads' p99 beside, alone, ms    {figures.reads_p99_ms}, {figures.reads_alone_p99_ms}",
        f"lost of {figures.acknowledged} after the kill".ljust(32) + f"{figures.lost}",
    ]
    if figures.kills is not None:
        killed = ", ".join(f"{count} {name}" for name, count in figures.kills.killed.items())
        acknowledgements = ", ".join(
            f"{count} {name}" for name, count in figures.kills.acknowledged.items()
        )
        rows += [
            f"kills                           {figures.kills.kills} ({killed})",
            f"acknowledged during kills       {acknowledgements}",
            f"lost, doubled, orphans          {figures.kills.lost}, {figures.kills.doubled}, "
            f"{figures.kills.orphans}",
        ]
    return rows
