"""`bench storage --kills`: repeated random kills of the server, its model or a reader."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from sqlalchemy import func, select

from pathviewer.bench.http_connection import HttpConnection
from pathviewer.bench.load import LoadError
from pathviewer.bench.server_process import ServerProcess, bring_assets, running_servers
from pathviewer.bench.storage_site import (
    Site,
    count_lost,
    count_lost_questions,
    make_site_feedback,
    settings_of,
)
from pathviewer.slides.phantom import write_phantom
from storage.database import open_database
from storage.feedback.tables import Feedback
from storage.tables import Question

WRITERS, ASKERS, VIEWERS = 8, 2, 2
LATEST_SECONDS = 1.5
"""Longest load before a kill, s."""
ORPHAN_SECONDS = 10.0
"""Time for a killed server's processes to end by themselves, s."""
QUESTION = {
    "box": {"x": 200, "y": 200, "width": 448, "height": 448},
    "options": ["low", "high"],
    "sampling": {"max_new_tokens": 48},
}
BUSY = (422, 429, 503)
"""Acceptable refusals: the model or a reader has just ended, or there is no room."""


@dataclass(frozen=True)
class KillFigures:
    """Results of the kills."""

    kills: int
    """Number of killed processes."""
    killed: dict[str, int]
    """Kills by `server`, `model` and `reader`."""
    acknowledged: dict[str, int]
    """Acknowledged `feedback`, `votes` and `questions`."""
    lost: int
    """Acknowledged rows missing from the database."""
    doubled: int
    """Duplicate rows in the database."""
    orphans: int
    """Processes that outlived their killed server by more than ten seconds."""


@dataclass
class LoadRecord:
    """Responses to the load so far."""

    site: Site
    """Raters and their items."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Numbers of submissions."""
    feedback: dict[str, str] = field(default_factory=dict)
    """Ids of acknowledged feedback and votes, by key."""
    unanswered: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Number and token of unacknowledged submissions, by key."""
    votes: set[str] = field(default_factory=set)
    """Keys of the votes among them."""
    questions: list[str] = field(default_factory=list)
    """Ids of acknowledged questions."""
    stopped: bool = False
    """Whether to stop sending."""


def run_kill_loop(site: Site, kills: int, seed: int, model: str, first: int = 0) -> KillFigures:
    """Kill `kills` times and check the site's database after each. Raises LoadError.

    `first` is the number of the first submission: lower keys may be in use.
    """
    bring_assets(site.data)
    write_phantom(site.data / "slides" / "a.tiff", width=3000, height=2200, seed=7)
    server = ServerProcess(site.data, site.data / "slides", model, site.url)
    source, killed = random.Random(seed), Counter[str]()
    load, targets, missing, orphans = (
        LoadRecord(site, itertools.count(first)),
        Targets(source),
        0,
        0,
    )
    with running_servers(server):
        for number in range(kills):
            if not server.alive:
                server.start()
            target, outlivers = asyncio.run(_round(server, load, targets))
            killed[target] += 1
            orphans += outlivers
            missing = count_lost(site, load.feedback) + count_lost_questions(site, load.questions)
            sys.stderr.write(f"{number + 1} of {kills}: {target} killed, {missing} lost\n")
    if not load.feedback or not load.questions:
        raise LoadError("Nothing was acknowledged; there are no results.")
    return _figures(load, killed, missing, orphans)


def _figures(load: LoadRecord, killed: Counter[str], missing: int, orphans: int) -> KillFigures:
    votes = len(load.votes & load.feedback.keys())
    acknowledged = {
        "feedback": len(load.feedback) - votes,
        "votes": votes,
        "questions": len(load.questions),
    }
    doubled = _doubled(load.site)
    return KillFigures(killed.total(), dict(killed), acknowledged, missing, doubled, orphans)


class Targets:
    """Draws the next target at random; each kind comes once before any repeats."""

    def __init__(self, source: random.Random) -> None:
        self.source = source
        self._left: list[str] = []

    def next(self, server: ServerProcess) -> tuple[str, psutil.Process]:
        """Return name and process of a running target."""
        processes_by_kind = {"server": server.processes()[:1], "model": server.model_processes()}
        processes_by_kind |= {"reader": server.reader_processes()}
        kinds = [name for name, processes in processes_by_kind.items() if processes]
        if not set(self._left) & set(kinds):
            self._left = kinds
        target = self.source.choice([name for name in self._left if name in kinds])
        self._left = [name for name in self._left if name != target]
        return target, self.source.choice(processes_by_kind[target])


async def _round(server: ServerProcess, load: LoadRecord, targets: Targets) -> tuple[str, int]:
    """Run the load with one kill; return the killed target and the number of orphans."""
    load.stopped, source = False, targets.source
    await _send_again(server, load)
    slide = await _slide(server, load)
    tokens = itertools.cycle(load.site.tokens)
    tasks = [asyncio.create_task(_write(server, load, next(tokens))) for _ in range(WRITERS)]
    tasks += [asyncio.create_task(_ask(server, load, slide, next(tokens))) for _ in range(ASKERS)]
    tasks += [
        asyncio.create_task(_look(server, load, slide, next(tokens), source.random()))
        for _ in range(VIEWERS)
    ]
    await asyncio.sleep(source.uniform(0.05, LATEST_SECONDS))
    target, outlivers = await asyncio.to_thread(_kill, server, targets)
    if target != "server":
        await asyncio.sleep(0.3)  # submissions after the kill are acknowledged too
    load.stopped = True
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
    return target, outlivers


def _kill(server: ServerProcess, targets: Targets) -> tuple[str, int]:
    """Kill one process; return its kind and how many outlived a killed server."""
    rest = server.processes()[1:]
    target, process = targets.next(server)
    with suppress(psutil.NoSuchProcess):
        process.kill()
    if target != "server":
        return target, 0
    _, outlivers = psutil.wait_procs(rest, ORPHAN_SECONDS)
    for each in outlivers:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    server.kill()
    return target, len(outlivers)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _submission(site: Site, number: int) -> dict[str, object]:
    """Return the feedback of a number; every third is a vote between two answers."""
    if number % 3:
        return make_site_feedback(site, number)
    first = number // 3 % len(site.completions)
    pair = site.completions[first], site.completions[first - 1]
    vote = {"completion": pair[0], "other": pair[1], "left": pair[0], "choice": "left"}
    return {"key": f"k{number}", "kind": "preference", "seconds": 2.0, **vote}


async def _submit(connection: HttpConnection, load: LoadRecord, number: int, token: str) -> None:
    body = _submission(load.site, number)
    key = str(body["key"])
    load.unanswered[key] = number, token
    answer = await connection.request("POST", "/api/feedback", body)
    if answer.status not in (200, 201):
        raise LoadError(f"Feedback was answered {answer.status}: {answer.body[:200].decode()}")
    load.feedback[key] = answer.json()["id"]
    if body["kind"] == "preference":
        load.votes.add(key)
    del load.unanswered[key]


async def _write(server: ServerProcess, load: LoadRecord, token: str) -> None:
    connection = HttpConnection(server.base, _headers(token))
    with suppress(OSError, EOFError):
        while not load.stopped:
            await _submit(connection, load, next(load.numbers), token)
            await asyncio.sleep(0.005)
    connection.close()


async def _send_again(server: ServerProcess, load: LoadRecord) -> None:
    """Resend unacknowledged submissions, as a browser does."""
    for number, token in list(load.unanswered.values()):
        connection = HttpConnection(server.base, _headers(token))
        await _submit(connection, load, number, token)
        connection.close()


async def _ask(server: ServerProcess, load: LoadRecord, slide: str, token: str) -> None:
    connection = HttpConnection(server.base, _headers(token))
    with suppress(OSError, EOFError):
        while not load.stopped:
            question = f"How cellular is this region? ({next(load.numbers)})"
            body = QUESTION | {"slide": slide, "question": question}
            answer = await connection.request("POST", "/api/readings", body)
            if answer.status == 201:
                load.questions.append(answer.json()["id"])
            elif answer.status not in BUSY:
                raise LoadError(f"A question was answered {answer.status}: {answer.body[:200]!r}")
            await asyncio.sleep(0.2)
    connection.close()


async def _look(
    server: ServerProcess, load: LoadRecord, slide: str, token: str, shift: float
) -> None:
    """Request regions, which readers must decode."""
    connection = HttpConnection(server.base, _headers(token))
    with suppress(OSError, EOFError):
        for turn in itertools.count():
            if load.stopped:
                break
            x, y = int(shift * 1000) + turn % 40 * 20, turn % 30 * 20
            path = f"/api/slides/{slide}/region?x={x}&y={y}&width=900&height=900&max_pixels=160000"
            answer = await connection.request("GET", path)
            if answer.status not in (200, *BUSY):
                raise LoadError(f"A region was answered {answer.status}: {answer.body[:200]!r}")
            await asyncio.sleep(0.02)
    connection.close()


async def _slide(server: ServerProcess, load: LoadRecord) -> str:
    """Return the slide's id once the server lists it. Raises LoadError."""
    connection, until = (
        HttpConnection(server.base, _headers(load.site.tokens[0])),
        time.monotonic() + 30,
    )
    while time.monotonic() < until:
        slides = (await connection.request("GET", "/api/slides")).json()
        if slides:
            connection.close()
            return str(slides[0]["id"])
        await asyncio.sleep(0.1)
    raise LoadError("The server lists no slide.")


def _doubled(site: Site) -> int:
    """Return the number of duplicate rows, by submission key and by question text."""
    database = open_database(settings_of(site.data, site.url).database)
    extra = 0
    with database.read_only() as session:
        for column in (Feedback.idempotency_key, Question.question):
            counts = session.execute(select(func.count(column), func.count(column.distinct())))
            rows, distinct = counts.one()
            extra += rows - distinct
    database.close()
    return extra
