"""The honest part of `bench soak`: people who view a slide, ask and judge."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pathviewer.bench.http_connection import HttpConnection, HttpResponse
from pathviewer.bench.soak_site import Person
from pathviewer.bench.storage_site import make_feedback

LOOK_SECONDS, ASK_SECONDS, JUDGE_SECONDS = 10.0, 120.0, 60.0
"""Intervals at which each person changes the view, asks and judges, s."""
TILES = 30
"""Tiles per view."""
PAGE_EVERY = 6
"""Views per opening of the page."""
LAST_PAUSE = 0.02
"""Pause between feedback at the end, s; short, so that the kill interrupts writes."""
MOST_SENTENCES = 20


class StopEvent(Protocol):
    """An event of another process."""

    def is_set(self) -> bool:
        """Return whether the servers are about to be killed."""


@dataclass(frozen=True)
class SoakPlan:
    """Plan of the load."""

    embedded: str
    """Address of the server whose model is a network; gets everything but some questions."""
    scripted: str
    """Address of the scripted server; every second person asks there."""
    people: tuple[Person, ...]
    """All accounts but the hostile one."""
    seconds: float
    """Length of the load."""
    seed: int
    """Seed of views and times."""


@dataclass
class SoakOutcome:
    """Results of the honest accounts."""

    errors: int = 0
    """Failed requests."""
    sentences: list[str] = field(default_factory=list)
    """Messages of the first failures."""
    page_seconds: list[float] = field(default_factory=list)
    """Times to the full response for the page, the list of slides and a slide's JSON."""
    tile_seconds: list[float] = field(default_factory=list)
    """The same for tiles."""
    save_seconds: list[float] = field(default_factory=list)
    """Times from feedback's due time to its acknowledgement."""
    ask_seconds: list[float] = field(default_factory=list)
    """Times from sending a question to its acknowledgement."""
    answer_seconds: list[float] = field(default_factory=list)
    """Times from sending a question to the end of its events."""
    feedback: dict[str, str] = field(default_factory=dict)
    """Ids of acknowledged feedback, by key."""
    questions: list[str] = field(default_factory=list)
    """Ids of acknowledged questions."""
    cpu_seconds: float = 0.0
    """CPU time of the load generator itself."""


@dataclass(frozen=True)
class SlideView:
    """A slide's tile grids."""

    slide: str
    """Id of the slide."""
    grids: tuple[tuple[int, int], ...]
    """(columns, rows) of tiles of each level, the finest first."""

    def tiles(self, source: random.Random) -> list[str]:
        """Return paths of neighbouring tiles of one level, at most `TILES`."""
        level = min(int(source.expovariate(0.7)), len(self.grids) - 1)
        columns, rows = self.grids[level]
        wide = min(columns, 6)
        high = min(rows, TILES // wide)
        left, top = source.randint(0, columns - wide), source.randint(0, rows - high)
        return [
            f"/api/slides/{self.slide}/tiles/{level}/{left + x}/{top + y}"
            for y, x in itertools.product(range(high), range(wide))
        ]


class People:
    """The load of one run."""

    def __init__(self, plan: SoakPlan, stop: StopEvent) -> None:
        self.outcome = SoakOutcome()
        self._plan = plan
        self._ending = stop
        self._source = random.Random(plan.seed)
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Run until the servers are gone after the stop event."""
        view = await self._view()
        watch = asyncio.create_task(self._watch())
        acts: list[Coroutine[Any, Any, None]] = []
        for number, person in enumerate(self._plan.people):
            base = self._plan.scripted if number % 2 else self._plan.embedded
            own = random.Random(self._source.random())
            acts.append(self._repeat(LOOK_SECONDS, own, self._looking(person, view, own)))
            acts.append(self._repeat(ASK_SECONDS, own, self._asking(person, view, base)))
            acts.append(self._repeat(JUDGE_SECONDS, own, self._judging(person), to_the_end=True))
        await asyncio.gather(*acts)
        watch.cancel()
        self.outcome.cpu_seconds = time.process_time()

    async def _watch(self) -> None:
        while not self._ending.is_set():  # noqa: ASYNC110  the event belongs to another process
            await asyncio.sleep(0.05)
        self._over.set()

    async def _view(self) -> SlideView:
        connection = self._connection(self._plan.people[0], self._plan.embedded)
        slides = []
        for _ in range(300):
            slides = (await connection.request("GET", "/api/slides")).json()
            if slides:
                break
            await asyncio.sleep(0.1)
        slide = (await connection.request("GET", f"/api/slides/{slides[0]['id']}")).json()
        connection.close()
        grids = (
            (-(-level["width"] // level["tile_width"]), -(-level["height"] // level["tile_height"]))
            for level in slide["levels"]
        )
        return SlideView(slide["id"], tuple(grids))

    async def _repeat(
        self,
        period: float,
        source: random.Random,
        act: Callable[[float], Coroutine[Any, Any, None]],
        *,
        to_the_end: bool = False,
    ) -> None:
        """Repeat an action once per period from a random time on; it receives its due time."""
        due = time.monotonic() + source.uniform(0, min(period, self._plan.seconds / 2))
        while True:
            if await self._pause(due - time.monotonic()):
                if not to_the_end:
                    return
                await asyncio.sleep(LAST_PAUSE)
                due = time.monotonic()
            try:
                await act(due)
            except (OSError, EOFError, ValueError) as error:
                if self._over.is_set():
                    return  # the server was killed
                self._fault(f"A request failed: {error!r}")
            due += period

    async def _pause(self, seconds: float) -> bool:
        """Wait; return True if the end came first."""
        try:
            await asyncio.wait_for(self._over.wait(), max(0.0, seconds))
        except TimeoutError:
            return False
        return True

    def _looking(
        self, person: Person, view: SlideView, source: random.Random
    ) -> Callable[[float], Coroutine[Any, Any, None]]:
        connection = self._connection(person, self._plan.embedded)
        turns = itertools.count()

        async def look(_: float) -> None:
            pages = ["/", "/api/slides"] if next(turns) % PAGE_EVERY == 0 else []
            for path in (*pages, f"/api/slides/{view.slide}"):
                await self._timed(connection, path, self.outcome.page_seconds)
            for path in view.tiles(source):
                await self._timed(connection, path, self.outcome.tile_seconds)

        return look

    async def _timed(self, connection: HttpConnection, path: str, seconds: list[float]) -> None:
        began = time.monotonic()
        answer = await connection.request("GET", path, headers="Accept: text/html, */*\r\n")
        seconds.append(time.monotonic() - began)
        self._check(answer, (200,), path)

    def _judging(self, person: Person) -> Callable[[float], Coroutine[Any, Any, None]]:
        connection = self._connection(person, self._plan.embedded)
        turns = itertools.count()

        async def judge(due: float) -> None:
            number = next(turns)
            key = f"{person.name}-{number}"
            body = make_feedback(person.completions, number) | {"key": key}
            answer = await connection.request("POST", "/api/feedback", body)
            if self._check(answer, (200, 201), "feedback"):
                if not self._over.is_set():
                    self.outcome.save_seconds.append(time.monotonic() - due)
                self.outcome.feedback[key] = answer.json()["id"]

        return judge

    def _asking(
        self, person: Person, view: SlideView, base: str
    ) -> Callable[[float], Coroutine[Any, Any, None]]:
        connection, turns = self._connection(person, base), itertools.count()

        async def ask(_: float) -> None:
            body = {
                "slide": view.slide,
                "box": {"x": 300, "y": 300, "width": 448, "height": 448},
                "question": "How cellular is this region?",
                "options": ["low", "moderate", "high"],
                "sampling": {"temperature": 0.7, "seed": next(turns)},
            }
            began = time.monotonic()
            answer = await connection.request("POST", "/api/readings", body)
            if not self._check(answer, (201,), "a question"):
                return
            self.outcome.ask_seconds.append(time.monotonic() - began)
            question_id = answer.json()["id"]
            self.outcome.questions.append(question_id)
            last: dict[str, Any] = {}
            async for event in connection.events(f"/api/readings/{question_id}/events"):
                last = event
            if last.get("type") != "done" and not self._over.is_set():
                self._fault(f"A question ended with {last.get('message', last.get('type'))}")
            self.outcome.answer_seconds.append(time.monotonic() - began)

        return ask

    def _connection(self, person: Person, base: str) -> HttpConnection:
        return HttpConnection(base, {"Cookie": person.cookie, "Origin": base})

    def _check(self, answer: HttpResponse, right: Sequence[int], description: str) -> bool:
        if answer.status in right:
            return True
        if not self._over.is_set():
            self._fault(f"{description} was answered {answer.status}: {answer.body[:200]!r}")
        return False

    def _fault(self, sentence: str) -> None:
        self.outcome.errors += 1
        if len(self.outcome.sentences) < MOST_SENTENCES:
            self.outcome.sentences.append(sentence)


async def load(plan: SoakPlan, stop: StopEvent) -> SoakOutcome:
    """Run the load; `stop` announces the kill of the servers."""
    people = People(plan, stop)
    await people.run()
    return people.outcome
