"""`bench soak`: many people for minutes, beside a hostile account, with a kill at the end."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import psutil

from pathviewer.bench.load import LoadError
from pathviewer.bench.server_process import ServerProcess, running_servers
from pathviewer.bench.soak_hostile import HostileAccount, HostileOutcome
from pathviewer.bench.soak_people import SoakOutcome, SoakPlan, load
from pathviewer.bench.soak_site import HOSTILE, Person, database_of, lay_out, log_in, site_of
from pathviewer.bench.storage import milliseconds
from pathviewer.bench.storage_site import count_lost, count_lost_questions
from pathviewer.settings import read_settings

LAST_SECONDS = 0.5
"""Time of continuous feedback before the kill, s."""
GATHER_SECONDS = 90.0
"""Time for the load generators to report, s."""
MIB = 2**20


@dataclass(frozen=True)
class SoakOptions:
    """Options of a run."""

    people: int = 100
    """Honest accounts."""
    minutes: float = 10.0
    """Length of the load."""
    model: str = ""
    """Model of the first server; the second one is scripted."""
    seed: int = 0
    """Seed of views and times."""
    hostile_slides: bool = True
    """Whether the hostile account uploads slides."""
    slide_side: int = 8192
    """Width and height of the slide, level-0 pixels."""


@dataclass(frozen=True)
class SoakFigures:
    """Results of a run."""

    people: int
    """Honest accounts."""
    minutes: float
    """Length of the load."""
    errors: int
    """Failed requests of honest accounts."""
    page_p99_ms: float
    """99th percentile for the page and its JSON, ms."""
    tile_p99_ms: float
    """99th percentile for tiles, ms."""
    save_p99_ms: float
    """99th percentile from the due time of feedback to its acknowledgement, ms."""
    ask_p99_ms: float
    """99th percentile until a question is acknowledged, ms."""
    answer_p99_s: float
    """99th percentile until a question's full answer, s."""
    rss_growth_mib: float
    """Memory of all server processes at the end minus that at half time."""
    rss_growth_by_part_mib: dict[str, float]
    """The same for each part of each server."""
    rss_mib: float
    """Memory of all server processes at the end."""
    lost: int
    """Acknowledged rows missing from the database after the kill."""
    acknowledged: int
    """Acknowledged feedback and questions."""
    requests_per_s: float
    """Answered requests of honest accounts."""
    server_cpu_s: float
    """CPU time of all server processes during the load."""
    load_cpu_s: float
    """CPU time of the load generators, including the hostile one."""
    hostile: dict[str, dict[str, int]]
    """Responses to each hostile action, by status."""
    first_errors: tuple[str, ...]
    """Messages of the first errors."""


def bench_soak(options: SoakOptions, as_json: bool) -> None:
    """Print the results. Raises LoadError if a measurement fails."""
    folder = read_settings().data / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-soak-", dir=folder) as name:
        figures = measure_soak(Path(name), options)
    text = json.dumps(asdict(figures)) if as_json else "\n".join(table(figures))
    sys.stdout.write(text + "\n")


def measure_soak(folder: Path, options: SoakOptions) -> SoakFigures:
    """Load and kill two servers on one database in an empty folder. Raises LoadError.

    A server has one model. The first has the network and gets all pages, tiles, feedback and the
    hostile account; the second is scripted and gets the questions of every other person.
    """
    _note("Writing the slide and the accounts.")
    completions = lay_out(folder, options.people, options.slide_side)
    slides, url = folder / "slides", database_of(folder)
    network = ServerProcess(folder / "embedded", slides, options.model)
    canned = ServerProcess(folder / "scripted", slides, "scripted", url)
    with running_servers(network, canned):
        _note(f"Logging in {options.people} people.")
        accounts = {name: log_in(network.base, name, own) for name, own in completions.items()}
        hostile = accounts.pop(HOSTILE)
        plan = SoakPlan(
            network.base,
            canned.base,
            tuple(accounts.values()),
            options.minutes * 60,
            options.seed,
        )
        outcome, hostile_outcome, use = _run_load(
            (network, canned), plan, hostile, options.hostile_slides
        )
    if not outcome.feedback or not outcome.page_seconds:
        raise LoadError(f"Nothing was acknowledged. {' '.join(outcome.sentences[:1])}")
    return _figures(folder, options, outcome, hostile_outcome, use)


def _run_load(
    servers: Sequence[ServerProcess], plan: SoakPlan, hostile: Person, slides: bool
) -> tuple[SoakOutcome, HostileOutcome, ResourceUse]:
    """Load the servers from separate processes; kill the servers under load."""
    context = multiprocessing.get_context("spawn")
    stop, use = context.Event(), ResourceUse(servers)
    pipes = []
    for work, given in ((_be_people, (plan,)), (_be_hostile, (plan.embedded, hostile, slides))):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, stop, *given), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
    _note(f"Load for {plan.seconds:.0f} s.")
    use.watch(plan.seconds)
    stop.set()
    time.sleep(LAST_SECONDS)
    for server in servers:
        server.kill()
    outcome, hostile_outcome = (_receive(pipe) for pipe in pipes)
    return outcome, hostile_outcome, use


def _be_people(pipe: Pipe, stop: Event, plan: SoakPlan) -> None:
    pipe.send(asyncio.run(load(plan, stop)))


def _be_hostile(pipe: Pipe, stop: Event, base: str, person: Person, slides: bool) -> None:
    pipe.send(asyncio.run(HostileAccount(base, person, stop, slides).run()))


def _receive(pipe: Pipe) -> Any:
    try:
        if pipe.poll(GATHER_SECONDS):
            return pipe.recv()
    except EOFError as error:
        raise LoadError("A load generator failed; the reason is above.") from error
    raise LoadError(f"A load generator did not end within {GATHER_SECONDS:.0f} s.")


class ResourceUse:
    """Memory and CPU time of servers with their child processes."""

    def __init__(self, servers: Sequence[ServerProcess]) -> None:
        self._servers = servers
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self.samples: list[int] = []
        """Resident bytes, once per second."""
        self.part_samples: dict[str, list[int]] = {}
        """The same for each part of each server."""

    def watch(self, seconds: float) -> None:
        """Sample once per second for that time. Raises LoadError if a server ends."""
        until = time.monotonic() + seconds
        while (seconds_left := until - time.monotonic()) > 0:
            for server in self._servers:
                if not server.alive:
                    raise LoadError(f"A server ended under the load: {server.last_words()}")
            self._look()
            time.sleep(min(1.0, seconds_left))
        self._look()

    def _look(self) -> None:
        total = 0
        for number, server in enumerate(self._servers, 1):
            for part, processes in server.parts().items():
                resident = sum(map(self._look_at, processes))
                self.part_samples.setdefault(f"{part} {number}", []).append(resident)
                total += resident
        self.samples.append(total)

    def _look_at(self, process: psutil.Process) -> int:
        """Note the CPU time of a process; return its resident bytes."""
        try:
            resident, times = int(process.memory_info().rss), process.cpu_times()
        except psutil.Error:
            return 0  # it has ended meanwhile
        seconds = times.user + times.system
        # processes started later begin at 0
        self._first.setdefault(process.pid, seconds if not self.samples else 0.0)
        self._last[process.pid] = seconds
        return resident

    @property
    def cpu_seconds(self) -> float:
        """CPU time between the first and the last sample."""
        return sum(self._last[pid] - self._first[pid] for pid in self._last)

    @property
    def growth_by_part(self) -> dict[str, float]:
        """`growth_mib` of each part of each server."""
        return {part: round(growth_mib(each), 1) for part, each in self.part_samples.items()}


def growth_mib(samples: Sequence[int]) -> float:
    """Median of the last tenth minus that of the tenth after half time."""
    tenth = max(1, len(samples) // 10)
    half = len(samples) // 2
    middle = statistics.median(samples[half : half + tenth])
    return (statistics.median(samples[-tenth:]) - middle) / MIB


def _figures(
    folder: Path,
    options: SoakOptions,
    outcome: SoakOutcome,
    hostile_outcome: HostileOutcome,
    use: ResourceUse,
) -> SoakFigures:
    site = site_of(folder)
    answered = sum(
        len(each)
        for each in (
            outcome.page_seconds,
            outcome.tile_seconds,
            outcome.save_seconds,
            outcome.ask_seconds,
        )
    )
    return SoakFigures(
        people=options.people,
        minutes=options.minutes,
        errors=outcome.errors,
        page_p99_ms=_p99(outcome.page_seconds),
        tile_p99_ms=_p99(outcome.tile_seconds),
        save_p99_ms=_p99(outcome.save_seconds),
        ask_p99_ms=_p99(outcome.ask_seconds),
        answer_p99_s=round(_p99(outcome.answer_seconds) / 1e3, 2),
        rss_growth_mib=round(growth_mib(use.samples), 1),
        rss_growth_by_part_mib=use.growth_by_part,
        rss_mib=round(use.samples[-1] / MIB, 1),
        lost=count_lost(site, outcome.feedback) + count_lost_questions(site, outcome.questions),
        acknowledged=len(outcome.feedback) + len(outcome.questions),
        requests_per_s=round(answered / (options.minutes * 60), 1),
        server_cpu_s=round(use.cpu_seconds, 1),
        load_cpu_s=round(outcome.cpu_seconds + hostile_outcome.cpu_seconds, 1),
        hostile=hostile_outcome.statuses,
        first_errors=tuple(outcome.sentences),
    )


def _p99(seconds: Sequence[float]) -> float:
    return milliseconds(seconds, 0.99) if seconds else 0.0


ROWS: tuple[tuple[str, Callable[[SoakFigures], str]], ...] = (
    ("people, minutes", lambda found: f"{found.people}, {found.minutes:g}"),
    ("errors of honest people (aim 0)", lambda found: f"{found.errors}"),
    ("page p99, ms (aim 250)", lambda found: f"{found.page_p99_ms}"),
    ("tile p99, ms", lambda found: f"{found.tile_p99_ms}"),
    ("saving p99, ms (aim 300)", lambda found: f"{found.save_p99_ms}"),
    ("asking p99, ms; answer p99, s", lambda found: f"{found.ask_p99_ms}; {found.answer_p99_s}"),
    ("memory at the end, MiB", lambda found: f"{found.rss_mib}"),
    ("growth over the second half, MiB", lambda found: f"{found.rss_growth_mib}"),
    ("  by part", lambda found: f"{found.rss_growth_by_part_mib}"),
    ("lost after the kill (aim 0)", lambda found: f"{found.lost} of {found.acknowledged}"),
    ("requests per second", lambda found: f"{found.requests_per_s}"),
    ("CPU time, servers, s", lambda found: f"{found.server_cpu_s}"),
    ("CPU time, load generators, s", lambda found: f"{found.load_cpu_s}"),
)


def table(figures: SoakFigures) -> list[str]:
    """Return the results as lines of text."""
    rows = [f"{label:<34}{value(figures)}" for label, value in ROWS]
    rows += [f"hostile {act}: {counts}" for act, counts in figures.hostile.items()]
    return [*rows, *figures.first_errors]


def _note(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
