"""`bench tiles`: our tiles against the server's limit and against a peer."""

from __future__ import annotations

import json
import random
import secrets
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from openslide import OpenSlide
from openslide.deepzoom import DeepZoomGenerator

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from pathviewer.bench.load import LoadError, LoadFigures, Walk
from pathviewer.bench.tiles_cpu import CpuTimes, cpu_per_tile
from pathviewer.bench.tiles_servers import RunningServer, limit_app, our_app, peer, serve_app
from pathviewer.bench.tiles_slides import jpeg2000_slide, large_phantom, shelve
from pathviewer.settings import Settings, read_settings
from storage.database import open_database

CONNECTIONS = (1, 8)
_NAME = "bench"
_CPU_ROUNDS = 5
"""Rounds of CPU time per round of requests."""

_MEMORY_TILES = 10_000
_MEMORY_THREADS = 8
_MOST_PATHS = 5_000
_SEED = 1

Loads = dict[tuple[str, int], list[LoadFigures]]
"""Runs by kind of server and number of connections."""


@dataclass(frozen=True)
class _Session:
    """Our server with a logged-in account."""

    server: RunningServer
    slide: dict[str, Any]
    """JSON of its one slide."""

    headers: dict[str, str]
    """Headers of that session's browser."""

    def paths(self, levels: Sequence[int]) -> list[str]:
        """Return the tile paths of some levels, each once, in random order."""
        base = f"/api/slides/{self.slide['id']}/tiles"
        places = [
            f"{base}/{index}/{column}/{row}"
            for index in levels
            for column in range(_tiles(self.slide["levels"][index], "width"))
            for row in range(_tiles(self.slide["levels"][index], "height"))
        ]
        return random.Random(_SEED).sample(places, min(len(places), _MOST_PATHS))


def bench_tiles(
    slide: Path | None = None,
    seconds: float = 3.0,
    rounds: int = 3,
    json_output: bool = False,
) -> None:
    """Print the medians of several rounds, alternating between the servers.

    `slide` defaults to a phantom of 40,000 x 30,000 px, which fits no cache of decoded tiles, like
    any whole slide. Raises LoadError if a measurement fails.
    """
    settings = read_settings()
    folder = settings.data / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    phantom = large_phantom(folder)
    with tempfile.TemporaryDirectory(prefix="bench-tiles-", dir=folder) as name:
        place = Path(name)
        shelved = shelve(slide or phantom, place / "jpeg")
        loads, cpu = _against_all(shelved, place / "a", seconds, rounds)
        second = shelve(jpeg2000_slide(folder, phantom), place / "jpeg2000")
        loads2000 = _against_peer(second, place / "b", seconds, rounds)
        growth = _memory_growth(shelve(phantom, place / "phantom"), place / "c")
    report = _report(loads, loads2000, growth) | _cpu_report(cpu)
    table = _table(loads, "JPEG") + _table(loads2000, "JPEG 2000") + _summary(report)
    sys.stdout.write((json.dumps(report) if json_output else "\n".join(table)) + "\n")


def _against_all(slide: Path, data: Path, seconds: float, rounds: int) -> tuple[Loads, CpuTimes]:
    with ExitStack() as stack:
        ours = _logged_in(stack, slide, data, cache_mib=256)
        paths = ours.paths([0])
        size = _mean_size(ours, paths[:200])
        limit = stack.enter_context(serve_app(limit_app, size))
        other = stack.enter_context(serve_app(peer, slide))
        walks = {
            "ours": Walk(ours.server.base, paths, ours.headers),
            "limit": Walk(limit.base, paths, ours.headers),
            "peer": Walk(other.base, _peer_paths(slide)),
        }
        loads = _rounds(walks, CONNECTIONS, seconds, rounds)
        return loads, cpu_per_tile(
            walks, {"ours": ours.server, "limit": limit}, _CPU_ROUNDS * rounds
        )


def _against_peer(slide: Path, data: Path, seconds: float, rounds: int) -> Loads:
    """Compare with the peer; our cache of encoded tiles is too small to matter, so every tile is
    decoded."""
    with ExitStack() as stack:
        ours = _logged_in(stack, slide, data, cache_mib=1)
        other = stack.enter_context(serve_app(peer, slide))
        walks = {
            "ours": Walk(ours.server.base, ours.paths([0]), ours.headers),
            "peer": Walk(other.base, _peer_paths(slide)),
        }
        return _rounds(walks, CONNECTIONS, seconds, rounds)


def _memory_growth(slide: Path, data: Path) -> float:
    """Return our server's growth in MiB over random tiles of all levels, intermediate ones too."""
    with ExitStack() as stack:
        ours = _logged_in(stack, slide, data, cache_mib=256)
        levels = ours.slide["levels"]
        chosen = random.Random(_SEED)
        by_level = [ours.paths([index]) for index in range(len(levels))]
        paths = [chosen.choice(chosen.choice(by_level)) for _ in range(_MEMORY_TILES)]
        before = ours.server.rss_mib
        with (
            httpx.Client(base_url=ours.server.base, headers=ours.headers, timeout=60) as client,
            ThreadPoolExecutor(_MEMORY_THREADS) as threads,
        ):
            answers = threads.map(lambda path: client.get(path).status_code, paths)
            if set(answers) != {200}:
                raise LoadError("A tile of the phantom was not served.")
        return ours.server.rss_mib - before


def _rounds(
    walks: dict[str, Walk], connections: Sequence[int], seconds: float, rounds: int
) -> Loads:
    loads: Loads = {(kind, count): [] for kind in walks for count in connections}
    for walk in walks.values():
        walk.run(1, 1)
    for turn in range(rounds):
        for count in connections:
            for kind, walk in walks.items():
                load = walk.run(count, seconds)
                loads[kind, count].append(load)
                sys.stderr.write(
                    f"round {turn + 1}: {kind}, {count} clients, {load.requests_per_s:.0f}/s\n"
                )
    return loads


def _logged_in(stack: ExitStack, slide: Path, data: Path, cache_mib: int) -> _Session:
    password = secrets.token_urlsafe(16)
    data.mkdir()
    database = open_database(Settings(data=data).database)
    with database.session() as session:
        add_user(session, _NAME, Role.viewer, password)
    database.close()
    server = stack.enter_context(serve_app(our_app, data, slide.parent, cache_mib))
    client = stack.enter_context(httpx.Client(base_url=server.base, timeout=60))
    form = {"name": _NAME, "password": password}
    client.post("/login", data=form, headers={"Origin": server.base})
    listed = client.get("/api/slides").raise_for_status().json()
    if not listed:
        raise LoadError(f"{slide.name} cannot be served; python -m pathviewer doctor says why.")
    detail = client.get(f"/api/slides/{listed[0]['id']}").raise_for_status().json()
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return _Session(server, detail, {"Cookie": cookies})


def _peer_paths(slide: Path) -> list[str]:
    """Return the tile paths of the peer's finest level, each once, in random order."""
    with OpenSlide(slide) as opened:
        deepzoom = DeepZoomGenerator(opened, tile_size=254, overlap=1)
        level = deepzoom.level_count - 1
        columns, rows = deepzoom.level_tiles[level]
    base = f"/bench/slide_files/{level}"
    places = [f"{base}/{column}_{row}.jpeg" for column in range(columns) for row in range(rows)]
    return random.Random(_SEED).sample(places, min(len(places), _MOST_PATHS))


def _mean_size(session: _Session, paths: Sequence[str]) -> int:
    """Return the mean size of some tiles, bytes; also reads each of them once."""
    with httpx.Client(base_url=session.server.base, headers=session.headers) as client:
        sizes = [len(client.get(path).raise_for_status().content) for path in paths]
    return round(statistics.mean(sizes))


def _tiles(level: dict[str, Any], side: str) -> int:
    return -(-int(level[side]) // int(level[f"tile_{side}"]))


def _median(loads: Loads, kind: str, connections: int) -> float:
    return statistics.median(load.requests_per_s for load in loads[kind, connections])


def _report(loads: Loads, loads2000: Loads, growth: float) -> dict[str, float]:
    most = CONNECTIONS[-1]
    ours, limit, other = (_median(loads, kind, most) for kind in ("ours", "limit", "peer"))
    ratio2000 = _median(loads2000, "ours", most) / _median(loads2000, "peer", most)
    return {
        "requests_per_s": round(ours, 1),
        "limit_requests_per_s": round(limit, 1),
        "peer_requests_per_s": round(other, 1),
        "limit_ratio": round(ours / limit, 3),
        "peer_ratio": round(ours / other, 1),
        "jpeg2000_peer_ratio": round(ratio2000, 2),
        "rss_growth_mib": round(growth, 1),
    }


def _cpu_report(cpu: CpuTimes) -> dict[str, float]:
    return {
        "own_cpu_us": round(cpu.own_us, 1),
        "constant_cpu_us": round(cpu.constant_us, 1),
        "cpu_ratio": round(cpu.ratio, 2),
        "cpu_ratio_spread": round(cpu.spread, 3),
    }


def _table(loads: Loads, title: str) -> list[str]:
    lines = [f"{title:<24}{'clients':>8}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}"]
    names = {"ours": "this program", "limit": "a constant", "peer": "DeepZoomGenerator"}
    for (kind, count), runs in loads.items():
        p50 = statistics.median(run.p50_ms for run in runs)
        p95 = statistics.median(run.p95_ms for run in runs)
        rate = _median(loads, kind, count)
        lines.append(f"  {names[kind]:<22}{count:>8}{rate:>12.0f}{p50:>9.2f}{p95:>9.2f}")
    return lines


def _summary(report: dict[str, float]) -> list[str]:
    cpu = f"{report['own_cpu_us']:.1f} us, {report['cpu_ratio']:.2f} times the constant's"
    return [
        f"CPU time of a tile         {cpu}",
        f"share of the limit         {report['limit_ratio']:.2f}",
        f"times the peer             {report['peer_ratio']:.1f}",
        f"times the peer, JPEG 2000  {report['jpeg2000_peer_ratio']:.2f}",
        f"memory after 10,000 tiles  {report['rss_growth_mib']:+.0f} MiB",
    ]
