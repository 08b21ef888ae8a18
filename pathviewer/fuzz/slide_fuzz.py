"""`fuzz slides`: damaged copies of slides in a server's folder, viewed over HTTP."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from pathviewer.bench.load import LoadError
from pathviewer.bench.server_process import ROOT, ServerProcess, bring_assets
from pathviewer.fuzz.damage import damage_copy
from pathviewer.fuzz.program import FuzzError
from pathviewer.fuzz.slide_seeds import SlideSeed, make_seeds, read_seeds
from pathviewer.settings import Settings
from pathviewer.slides.readers.fault_log import FileFault
from pathviewer.slides.readers.fault_log import load as load_faults

BATCH = 400
"""Copies in the folder at a time."""
TOGETHER = 4
"""Copies viewed concurrently."""
READER_SECONDS = 5
"""Limit of one reader call on the server, s."""
LIMIT_SECONDS = 30.0
"""Longest response, s. Opening and reading may each take a reader's limit, a slide that ended its
reader is retried once, and both wait for busy readers."""
LISTING_SECONDS = 180.0
"""Time for the server to list or reject a batch, s."""
REGION = "x={x}&y={y}&width={width}&height={height}&max_pixels=40000"
"""Query of a region."""


@dataclass
class SlideFuzzReport:
    """A server's handling of damaged slides."""

    copies: int = 0
    """Damaged copies in total."""
    listed: int = 0
    """Copies listed as slides."""
    rejected: int = 0
    """Copies rejected."""
    unseen: int = 0
    """Copies neither listed nor rejected in time."""
    ended_readers: int = 0
    """Copies that ended their reader process."""
    slow: int = 0
    """Copies whose reader was ended for taking too long."""
    statuses: dict[str, dict[int, int]] = field(default_factory=dict)
    """Responses by kind of request and HTTP status."""
    server_errors: int = 0
    """Responses of 500 and more except 503."""
    server_deaths: int = 0
    """How often the web process ended."""
    slowest_s: float = 0.0
    """Slowest response, s."""
    late: int = 0
    """Responses beyond the limit or missing."""
    leaked_paths: int = 0
    """Responses that contain a folder of the server."""
    examples: list[str] = field(default_factory=list)
    """First faults, as `seed-number: description`."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, with its faults."""
        return asdict(self) | {"faults": self.faults()}

    def faults(self) -> list[str]:
        """Return one sentence per kind of fault; empty if there is none."""
        kinds = (
            (self.server_deaths, "times the web process ended."),
            (self.late, f"responses took longer than {LIMIT_SECONDS:.0f} s or did not come."),
            (self.leaked_paths, "responses contained a folder of the server."),
            (self.server_errors, "responses were server errors."),
            (self.unseen, "copies were neither listed nor rejected."),
        )
        return [f"{count} {rest}" for count, rest in kinds if count]

    def sentence(self) -> str:
        """Return the report as a sentence."""
        answers = sum(sum(each.values()) for each in self.statuses.values())
        found = " ".join(self.faults()) or "No fault."
        return (
            f"{self.copies:,} damaged copies: {self.listed:,} listed, {self.rejected:,} rejected; "
            f"{self.ended_readers} ended a reader, {self.slow} took too long; {answers:,} "
            f"responses, slowest in {self.slowest_s:.1f} s. {found}"
        )

    def add_example(self, copy: str, description: str) -> None:
        """Record one of the first faults."""
        if len(self.examples) < 50:
            self.examples.append(f"{copy}: {description}")


@dataclass(frozen=True)
class DamagedCopy:
    """A damaged copy."""

    name: str
    """`seed-number`."""
    suffix: str
    """File extension."""
    content: bytes
    """Content of the file."""


def fuzz_slides(copies: int, seed: int, seeds: Path | None = None) -> SlideFuzzReport:
    """Damage each seed slide `copies` times; raises FuzzError if the server does not start.

    `seeds` is a folder of valid slides; without it they are generated. The same arguments give the
    same copies.
    """
    sound_seeds = make_seeds() if seeds is None else read_seeds(seeds)
    if not sound_seeds:
        raise FuzzError("The folder has no single-file slide; name another one with --seeds.")
    report = SlideFuzzReport()
    with tempfile.TemporaryDirectory(prefix="fuzz-slides-") as name:
        folder = Path(name)
        bring_assets(folder / "state")
        server = _server(folder)
        with _running(server):
            everything = damaged_copies(sound_seeds, copies, seed)
            while some := list(islice(everything, BATCH)):
                _look_at_batch(server, folder, some, report, Random(seed))
                _count_faults(folder, report)
                sys.stderr.write(f"{report.sentence()}\n")
        for fault in _faults(folder):
            report.add_example(Path(fault.path).stem, f"its reader {_ENDS[fault.reason]}")
    return report


def damaged_copies(seeds: Sequence[SlideSeed], copies: int, seed: int) -> Iterator[DamagedCopy]:
    """Yield all copies, alternating between the seeds."""
    for number in range(copies):
        for one in seeds:
            source = Random(f"{seed} {one.name} {number}")
            content = damage_copy(one.copy(source), source)
            yield DamagedCopy(f"{one.name}-{number:05}", one.suffix, content)


def _server(folder: Path) -> ServerProcess:
    environment = {
        "PATHVIEWER_SHOW_FILE_NAMES": "1",
        "PATHVIEWER_READER_SECONDS": str(READER_SECONDS),
        "PATHVIEWER_OPEN_SLIDE_SECONDS": "2",
    }
    (folder / "slides").mkdir()
    return ServerProcess(folder / "state", folder / "slides", "none", environment=environment)


@contextmanager
def _running(server: ServerProcess) -> Iterator[None]:
    try:
        server.start()
        yield
    except LoadError as error:
        raise FuzzError(str(error)) from error
    finally:
        server.stop()


def _look_at_batch(
    server: ServerProcess,
    folder: Path,
    batch: Sequence[DamagedCopy],
    report: SlideFuzzReport,
    source: Random,
) -> None:
    """Replace the copies in the folder with a new batch and view it."""
    arriving = folder / "arriving"
    arriving.mkdir()
    for copy in batch:
        (arriving / f"{copy.name}{copy.suffix}").write_bytes(copy.content)
    shutil.rmtree(folder / "slides" / "batch", ignore_errors=True)
    arriving.rename(folder / "slides" / "batch")
    report.copies += len(batch)
    asyncio.run(
        BatchVisit(server, folder, report, source).visit_slides({copy.name for copy in batch})
    )
    if not server.alive:
        report.server_deaths += 1
        report.add_example(
            batch[0].name, "the web process ended with this copy or one of its batch"
        )
        shutil.rmtree(folder / "slides" / "batch", ignore_errors=True)
        server.start()


class BatchVisit:
    """One pass over a batch of copies."""

    def __init__(
        self, server: ServerProcess, folder: Path, report: SlideFuzzReport, source: Random
    ) -> None:
        self._server = server
        self._report = report
        self._source = source
        self._secrets = (str(folder).encode(), str(ROOT).encode(), b"/site-packages/")
        self._client = httpx.AsyncClient(base_url=server.base, timeout=LIMIT_SECONDS * 2)
        self._turns = asyncio.Semaphore(TOGETHER)

    async def visit_slides(self, names: set[str]) -> None:
        """Wait for the list, then view each listed slide."""
        async with self._client:
            listed = await self._wait_for_listing(names)
            await asyncio.gather(*(self._look(name, slide) for name, slide in listed.items()))

    async def _wait_for_listing(self, names: set[str]) -> Mapping[str, str]:
        """Return slide ids by copy, once each copy is listed or rejected."""
        until, listed, rejected = time.monotonic() + LISTING_SECONDS, {}, set[str]()
        while time.monotonic() < until and self._server.alive:
            slides = await self._get("list", "/api/slides", "the list")
            rejected_answer = await self._get("list", "/api/slides/rejected", "the list")
            if slides is None or rejected_answer is None:
                break
            listed = {Path(one["name"]).name.partition(".")[0]: one["id"] for one in slides.json()}
            listed = {name: slide for name, slide in listed.items() if name in names}
            rejected = {
                Path(one["name"]).name.partition(".")[0] for one in rejected_answer.json()
            } & names
            if listed.keys() | rejected == names:
                break
            await asyncio.sleep(0.5)
        unseen = names - listed.keys() - rejected
        self._report.listed += len(listed)
        self._report.rejected += len(rejected - listed.keys())
        self._report.unseen += len(unseen)
        for name in sorted(unseen)[:5]:
            self._report.add_example(name, "neither listed nor rejected")
        return listed

    async def _look(self, name: str, slide: str) -> None:
        """Open a slide, then request its thumbnail, tiles and a region."""
        async with self._turns:
            path = f"/api/slides/{quote(slide)}"
            opened = await self._get("open", path, name)
            await self._get("thumbnail", f"{path}/thumbnail?size=256", name)
            facts = opened.json() if opened is not None and opened.status_code == 200 else {}
            for level in range(len(facts.get("levels", ())) or 1):
                for column, row in ((0, 0), self._tile(facts, level)):
                    await self._get("tile", f"{path}/tiles/{level}/{column}/{row}", name)
            await self._get("region", f"{path}/region?{self._region(facts)}", name)

    def _tile(self, facts: Mapping[str, Any], level: int) -> tuple[int, int]:
        """Return column and row of a random tile."""
        if not facts:
            return 1, 1
        sizes = facts["levels"][level]
        columns = max(1, -(-sizes["width"] // max(1, sizes["tile_width"])))
        rows = max(1, -(-sizes["height"] // max(1, sizes["tile_height"])))
        return self._source.randrange(columns), self._source.randrange(rows)

    def _region(self, facts: Mapping[str, Any]) -> str:
        """Return the query of a random region in level-0 pixels."""
        width, height = facts.get("width", 300), facts.get("height", 217)
        wide, high = self._source.randint(1, width), self._source.randint(1, height)
        x, y = self._source.randint(0, width - wide), self._source.randint(0, height - high)
        return REGION.format(x=x, y=y, width=wide, height=high)

    async def _get(self, kind: str, path: str, copy: str) -> httpx.Response | None:
        """Return and count a response; None if none came."""
        began = time.monotonic()
        try:
            answer = await self._client.get(path)
        except httpx.HTTPError as error:
            if self._server.alive:
                self._report.late += 1
                self._report.add_example(copy, f"{kind}: no answer ({type(error).__name__})")
            return None
        self._count(kind, copy, answer, time.monotonic() - began)
        return answer

    def _count(self, kind: str, copy: str, answer: httpx.Response, seconds: float) -> None:
        report, status = self._report, answer.status_code
        counts = report.statuses.setdefault(kind, {})
        counts[status] = counts.get(status, 0) + 1
        report.slowest_s = round(max(report.slowest_s, seconds), 3)
        if seconds > LIMIT_SECONDS:
            report.late += 1
            report.add_example(copy, f"{kind}: {seconds:.1f} s")
        if status >= 500 and status != 503:
            report.server_errors += 1
            report.add_example(copy, f"{kind}: {status}")
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        if any(secret in head or secret in answer.content for secret in self._secrets):
            report.leaked_paths += 1
            report.add_example(copy, f"{kind}: contains a folder")


def _faults(folder: Path) -> list[FileFault]:
    """Return the server's records of reader faults."""
    settings = Settings(data=folder / "state", slides=(), public_demo=False)
    return list(load_faults(settings.reader_faults))


def _count_faults(folder: Path, report: SlideFuzzReport) -> None:
    reasons = Counter(fault.reason for fault in _faults(folder))
    report.ended_readers, report.slow = reasons["ended"], reasons["slow"]


_ENDS = {"ended": "died", "slow": "exceeded its time limit"}
