"""The installation: slides, accounts, worklists, made by commands, served in this process.

The database is copied once it is filled, and `reset` puts the copy back.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import gradio as gr
import numpy as np
import pytest
import tifffile
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.engine import make_url
from starlette.responses import JSONResponse
from starlette.routing import Route

from pathviewer.api.gradio_caller import guard_endpoint
from pathviewer.api.gradio_comparison_endpoints import ComparisonEndpoints
from pathviewer.api.gradio_endpoints import FeedbackEndpoints, QuestionEndpoints
from pathviewer.api.responses import exception_handlers
from pathviewer.auth.account_admin import add_user, make_token, retire_rater
from pathviewer.commands.main import app as commands
from pathviewer.operations.withdrawal import find_subject, withdraw
from pathviewer.server.application import (
    Services,
    add_guard,
    add_metrics,
    build_api,
    list_routes,
    open_services,
)
from pathviewer.settings import Settings
from pathviewer.slides.slide_pool import SlidePool
from storage.feedback.judge_labels import add_judge_labels
from storage.tables import Question, WorklistQuestion
from tests.blinding.actors import ACTORS
from tests.blinding.in_process import InProcess, Response
from tests.blinding.tokens import new_token
from tests.commands import called
from tests.databases import lay_database, new_database

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.api.routes.api_routes import ApiRoutes

MODELS = ("firstmodel", "secondmodel")
"""Names of the scripts; the first is the server's model too, which calls itself `scripted`."""
OWN_QUESTIONS = 60
"""Questions of raters for which the script has texts of their own; asked again, they repeat."""
JUDGE = "judgemodel"
WASHOUT = timedelta(days=14)


@dataclass(frozen=True)
class ListPlan:
    """A worklist to import."""

    name: str
    """Its name."""
    items: int
    """Number of items."""
    options: tuple[str, ...]
    """Further options of the import."""
    pairs: bool = False
    """Whether a second model answers too, and pairs are drawn between both."""
    slide: str = "a.tiff"
    """Its slide."""


LISTS = (
    ListPlan("blind", 2, ("--repeats", "1")),
    ListPlan("open", 3, ("--no-blind", "--repeats", "1", "--overlap", "0.5")),
    ListPlan("pairs", 2, ("--no-blind", "--repeats", "1"), pairs=True),
    ListPlan("blind pairs", 2, ("--repeats", "1"), pairs=True),
    ListPlan("teaching", 2, ("--no-blind", "--teaching", "--repeats", "1"), slide="b.tiff"),
)


@dataclass
class Texts:
    """Texts of the models, with a token each."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    """Tokens by the words of the question and the model."""
    references: dict[str, str] = field(default_factory=dict)
    """Token of the correct answer by the words of the item's question, or name of the case."""

    def script(self, model: str) -> str:
        """Answers of a model as a script."""
        parts = ["seconds_per_token = 0.0"]
        for plan in LISTS:
            parts += [self._answer(model, item_words(plan, n)) for n in range(plan.items)]
        parts += [self._answer(model, own_words(n)) for n in range(OWN_QUESTIONS)]
        return "\n".join(parts)

    def _answer(self, model: str, words: str) -> str:
        tokens = self.answers[f"{words} {model}"] = [new_token(), new_token()]
        texts = [
            f"<think>Step 1: Nuclei {one}.\\nStep 2: Stroma.</think><answer>{one}</answer>"
            for one in tokens
        ]
        return f'[[answer]]\nasked = "{words}"\ntexts = {json.dumps(texts)}'.replace("\\\\n", "\\n")


def item_words(plan: ListPlan, number: int) -> str:
    """The question of an item."""
    return f"what is {plan.name} item {number:02}"


def own_words(number: int) -> str:
    """The question of a rater."""
    return f"what is own question {number:02}"


@dataclass
class Site:
    """The application and what is behind it."""

    services: Services
    """Objects of the server."""
    api: ApiRoutes
    """Handlers of the routes."""
    process: InProcess
    """The application."""
    tokens: dict[str, str]
    """Bearer token of each account."""
    texts: Texts
    """Tokens in the models' texts."""
    filled: Path
    """Copy of the filled database."""
    endpoints: tuple[str, ...]
    """Names of the Gradio endpoints."""
    lacks_files: bool = False
    """Whether a withdrawal has removed files of the filled installation."""
    on_reset: Callable[[], None] = lambda: None
    """Called before an example begins."""

    def call(
        self, actor: str, method: str, path: str, body: Any = None, *, stream: bool = False
    ) -> Response:
        """Send a request."""
        return self.process.request(self.tokens[actor], method, path, body, stream=stream)

    def endpoint(self, actor: str, name: str, **arguments: Any) -> Response:
        """Call a Gradio endpoint; of a stream, all values come as a list."""
        return self.call(actor, "POST", f"/gradio/{name}", arguments)

    def set_washout(self, *, over: bool) -> None:
        """Let repeats begin at once, or only after two weeks."""
        for routes in (self.api.worklists, self.api.comparisons):
            cast("Any", routes)._washout = timedelta(0) if over else WASHOUT

    def retire(self, actor: str) -> None:
        """End an account's role as a rater, as `user retire` does; it takes effect at once."""
        with self.services.database.session() as session:
            retire_rater(session, actor)
        self.services.access.forget()

    def withdraw(self, *, case: str | None = None, rater: str | None = None) -> None:
        """Withdraw a case or a rater, as `withdraw` does."""
        subject = find_subject(self.services.database, case, rater)
        withdraw(self.services.database, self.services.blobs, subject)
        self.lacks_files = True

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Rows of the database, as a backup has them."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(statement, values).fetchall()

    @property
    def path(self) -> str:
        """File of the database."""
        return make_url(self.services.settings.database).database or ""

    def reset(self) -> None:
        """Put the filled database back, and forget what was computed from another."""
        self.wait()
        self.on_reset()
        self.set_washout(over=False)
        with (
            closing(sqlite3.connect(self.filled)) as copy,
            closing(sqlite3.connect(self.path)) as to,
        ):
            copy.backup(to)
        if self.lacks_files:
            shutil.copytree(
                self.filled.parent / "blobs", self.services.settings.blobs, dirs_exist_ok=True
            )
            self.lacks_files = False
        cast("Any", self.api.insights)._cache.clear()
        cast("Any", self.api.feedback)._targets.clear()
        self.services.access.forget()

    def wait(self) -> None:
        """Wait until no question runs."""
        self.services.questions.join(20)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """Fill an installation and serve it."""
    slides, texts = folder / "slides", Texts()
    slides.mkdir()
    for name, seed in (("a.tiff", 7), ("b.tiff", 8)):
        write_scan(slides / name, seed)
    scripts = {name: folder / f"{name}.toml" for name in MODELS}
    for name, path in scripts.items():
        path.write_text(texts.script(name))
    settings = Settings(
        data=folder / "state",
        slides=(slides,),
        model=f"scripted:{scripts[MODELS[0]]}",
        questions_per_account=32,
        streams_per_account=64,
        exports_per_account=8,
        readers=1,
    )
    settings.data.mkdir()
    tokens = add_accounts(settings)
    fill_site(settings, folder, scripts, texts)
    filled = folder / "filled.sqlite3"
    database = make_url(settings.database).database or ""
    with closing(sqlite3.connect(database)) as made, closing(sqlite3.connect(filled)) as copy:
        made.backup(copy)
    shutil.copytree(settings.blobs, folder / "blobs")
    with serve(settings, tokens, texts, filled) as site:
        yield site


def write_scan(path: Path, seed: int) -> None:
    """A tiled TIFF of 400 x 240 px."""
    pixels = np.random.default_rng(seed).integers(0, 255, (240, 400, 3), np.uint8)
    tifffile.imwrite(path, pixels, tile=(64, 64), photometric="rgb", metadata=None)


def add_accounts(settings: Settings) -> dict[str, str]:
    """Bearer token of each account."""
    lay_database(settings.database)
    database, tokens = new_database(settings.database), {}
    with database.session() as session:
        for actor in ACTORS:
            add_user(session, actor.name, actor.role, "correct horse battery", rater=actor.rates)
            tokens[actor.name] = make_token(session, actor.name, "tests", 1)
    database.close()
    return tokens


def fill_site(settings: Settings, folder: Path, scripts: dict[str, Path], texts: Texts) -> None:
    """Import cases and worklists, let the models answer, draw pairs, judge by a judge model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        cases = folder / "cases.csv"
        rows = [
            f"{case},{slide},lung,{texts.references.setdefault(case, new_token())},sign-out"
            for case, slide in (("C-A", "a.tiff"), ("C-B", "b.tiff"))
        ]
        cases.write_text("\n".join(["case,slide,organ,reference answer,source", *rows]))
        run("cases", "import", str(cases))
        for plan in LISTS:
            add_worklist(plan, folder, scripts, texts)
    database = new_database(settings.database)
    with database.session() as session:
        raw = session.connection().exec_driver_sql("SELECT id FROM completions ORDER BY text")
        for (completion,) in raw.all()[::2]:
            add_judge_labels(session, JUDGE, completion, ["missing_knowledge"])
        # the engine calls every script by one name
        beside = select(WorklistQuestion.question_id)
        session.execute(update(Question).where(Question.id.in_(beside)).values(model=MODELS[1]))
    database.close()


def add_worklist(plan: ListPlan, folder: Path, scripts: dict[str, Path], texts: Texts) -> None:
    """Import a worklist, generate its answers and draw its pairs."""
    rows = []
    for number in range(plan.items):
        words = item_words(plan, number)
        reference = texts.references[words] = new_token()
        box = [100 * number, 40 * LISTS.index(plan), 60, 40]
        rows.append({"slide": plan.slide, "box": box, "question": words, "answer": reference})
    file = folder / "items.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    run("worklist", "import", str(file), "--name", plan.name, *plan.options)
    models = MODELS if plan.pairs else MODELS[:1]
    for name in models:
        generate = "worklist", "generate", plan.name, "--model", f"scripted:{scripts[name]}"
        run(*generate, "--samples", "2", "--beside")
    if plan.pairs:
        run("worklist", "pairs", plan.name, "--plan", "between-models", "--count", "3")


def run(*arguments: str) -> None:
    """Call a command."""
    done = called(commands, *arguments)
    assert done.code == 0, done


@contextmanager
def serve(settings: Settings, tokens: dict[str, str], texts: Texts, filled: Path) -> Iterator[Site]:
    """The application as `build_app` makes it, without pages but with Gradio's endpoints."""
    services = open_services(settings)
    api = build_api(services)
    endpoints = endpoint_routes(api, services)
    pages = FastAPI(
        openapi_url=None,
        routes=[*list_routes(services, api), *endpoints],
        exception_handlers=exception_handlers(),
    )
    tiles: Any = NoTiles()
    process = InProcess(add_guard(tiles, add_metrics(pages, services), services.access))
    pool: SlidePool = services.pool
    pool.readers.start()
    services.library.start()
    services.engine.start()
    try:
        names = tuple(each.path.removeprefix("/gradio/") for each in endpoints)
        yield Site(services, api, process, tokens, texts, filled, names)
    finally:
        services.questions.close()
        services.engine.close()
        services.questions.join(2)
        pool.close()
        services.library.stop()
        services.database.close()
        services.visits.give_back()
        process.close()
        shutil.rmtree(settings.exports, ignore_errors=True)


class NoTiles:
    """No tile route."""

    def find_cached(self, _path: str, _identity: object) -> None:
        """No tile is cached."""

    def matches(self, _path: str) -> bool:
        """No path is a tile's."""
        return False


def endpoint_routes(api: ApiRoutes, services: Services) -> list[Route]:
    """A route for each Gradio endpoint: the guard says who calls, as it does for Gradio."""
    groups: tuple[Any, ...] = (
        QuestionEndpoints(api, services.questions),
        FeedbackEndpoints(api),
        ComparisonEndpoints(api, services.questions),
    )
    return [
        Route(f"/gradio/{endpoint.__name__}", endpoint_route(endpoint), methods=["POST"])
        for group in groups
        for endpoint in group.endpoints()
    ]


def endpoint_route(endpoint: Any) -> Any:
    """Call the endpoint with the JSON of the body as arguments."""
    guarded = guard_endpoint(endpoint)

    async def call(request: Request) -> JSONResponse:
        arguments = await request.json()
        try:
            values = guarded(gr.Request(request), **arguments)
            if hasattr(values, "__aiter__"):
                return JSONResponse([value async for value in values])
            return JSONResponse(await values)
        except gr.Error as error:
            return JSONResponse({"error": {"code": "gradio", "message": error.message}}, 409)

    return call


def query(path: str, **values: str | None) -> str:
    """A path with a query of the values that are given."""
    pairs = [f"{name}={quote(value)}" for name, value in values.items() if value is not None]
    return f"{path}?{'&'.join(pairs)}" if pairs else path
