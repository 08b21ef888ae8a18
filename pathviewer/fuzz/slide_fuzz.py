"""`fuzz slides`: damaged copies of slides in the folder of a server, looked at over HTTP."""

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
"""Copies that are looked at at once."""
READER_SECONDS = 5
"""What the server allows for one call of a reader."""
LIMIT_SECONDS = 30.0
"""Longest answer: opening and reading may each take what a reader is allowed, the one that ended
its reader is tried once more, and both wait for readers that others occupy."""
LISTING_SECONDS = 180.0
"""How long a batch may take until each copy is listed or rejected."""
REGION = "x={x}&y={y}&width={width}&height={height}&max_pixels=40000"
"""Of the query for a region."""


@dataclass
class SlideFuzzReport:
    """What a server did with damaged slides."""

    copies: int = 0
    """Damaged copies that were put into the folder."""
    listed: int = 0
    """Copies that the server took for slides."""
    rejected: int = 0
    """Copies that it named as no slides."""
    unseen: int = 0
    """Copies that it neither listed nor rejected in time."""
    ended_readers: int = 0
    """Copies that ended the process that read them."""
    slow: int = 0
    """Copies whose reader was ended because it took too long."""
    statuses: dict[str, dict[int, int]] = field(default_factory=dict)
    """Answers of each kind of request by HTTP status."""
    server_errors: int = 0
    """Answers of 500 and more that are not 503."""
    server_deaths: int = 0
    """How often the web process ended."""
    slowest_s: float = 0.0
    """Longest answer, seconds."""
    late: int = 0
    """Answers that took longer than the limit, or did not come."""
    leaked_paths: int = 0
    """Answers that named a folder of the server."""
    examples: list[str] = field(default_factory=list)
    """Copies behind the first faults, as `seed-number: what happened`."""

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON object, with its faults."""
        return asdict(self) | {"faults": self.faults()}

    def faults(self) -> list[str]:
        """One sentence for each kind of fault; empty if there is none."""
        kinds = (
            (self.server_deaths, "times the web process ended."),
            (self.late, f"answers took longer than {LIMIT_SECONDS:.0f} s or did not come."),
            (self.leaked_paths, "answers named a folder of the server."),
            (self.server_errors, "answers were server errors."),
            (self.unseen, "copies were neither listed nor rejected."),
        )
        return [f"{count} {rest}" for count, rest in kinds if count]

    def sentence(self) -> str:
        """The report for a person."""
        answers = sum(sum(each.values()) for each in self.statuses.values())
        found = " ".join(self.faults()) or "No fault."
        return (
            f"{self.copies:,} damaged copies: {self.listed:,} listed, {self.rejected:,} rejected; "
            f"{self.ended_readers} ended a reader, {self.slow} were given up; {answers:,} answers, "
            f"the slowest in {self.slowest_s:.1f} s. {found}"
        )

    def add_example(self, copy: str, description: str) -> None:
        """Remember one of the first faults."""
        if len(self.examples) < 50:
            self.examples.append(f"{copy}: {description}")


@dataclass(frozen=True)
class DamagedCopy:
    """A damaged copy."""

    name: str
    """`seed-number`."""
    suffix: str
    """Ending of its file."""
    content: bytes
    """What stands in it."""


def fuzz_slides(copies: int, seed: int, seeds: Path | None = None) -> SlideFuzzReport:
    """Damage each seed slide `copies` times; raises FuzzError where the server does not start.

    `seeds` is a folder of sound slides; made ones without it. The same numbers give the same
    copies.
    """
    sound_seeds = make_seeds() if seeds is None else read_seeds(seeds)
    if not sound_seeds:
        raise FuzzError("There is no slide of one file in the folder; name another with --seeds.")
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
    """All copies, the seeds taking turns."""
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
    """Put the copies in the place of those before, and look at them as a viewer does."""
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
    """One look at a batch of copies."""

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
        """Wait for the list, then look at each slide in it."""
        async with self._client:
            listed = await self._wait_for_listing(names)
            await asyncio.gather(*(self._look(name, slide) for name, slide in listed.items()))

    async def _wait_for_listing(self, names: set[str]) -> Mapping[str, str]:
        """Slide ids by copy, once each copy is listed or rejected."""
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
        """Open it, then its thumbnail, tiles and regions."""
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
        """Column and row of a random tile."""
        if not facts:
            return 1, 1
        sizes = facts["levels"][level]
        columns = max(1, -(-sizes["width"] // max(1, sizes["tile_width"])))
        rows = max(1, -(-sizes["height"] // max(1, sizes["tile_height"])))
        return self._source.randrange(columns), self._source.randrange(rows)

    def _region(self, facts: Mapping[str, Any]) -> str:
        """A random region in level-0 pixels."""
        width, height = facts.get("width", 300), facts.get("height", 217)
        wide, high = self._source.randint(1, width), self._source.randint(1, height)
        x, y = self._source.randint(0, width - wide), self._source.randint(0, height - high)
        return REGION.format(x=x, y=y, width=wide, height=high)

    async def _get(self, kind: str, path: str, copy: str) -> httpx.Response | None:
        """One answer, counted; None where none came."""
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
            report.add_example(copy, f"{kind}: names a folder")


def _faults(folder: Path) -> list[FileFault]:
    """What the server remembers of its readers."""
    settings = Settings(data=folder / "state", slides=(), public_demo=False)
    return list(load_faults(settings.reader_faults))


def _count_faults(folder: Path, report: SlideFuzzReport) -> None:
    reasons = Counter(fault.reason for fault in _faults(folder))
    report.ended_readers, report.slow = reasons["ended"], reasons["slow"]


_ENDS = {"ended": "died", "slow": "was ended after its time"}
