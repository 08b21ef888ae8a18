"""Comparing over HTTP: the next pair, a question of one's own, the vote, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import ModelError
from pathviewer.api.request_body import json_object
from pathviewer.api.routes.attention_maps import asked_tokens
from pathviewer.api.routes.questions import read_question, sentences
from pathviewer.attention.map_json import maps_json
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES, while_connected
from pathviewer.comparisons.comparison_json import SIDES, comparison_json, side_answers
from pathviewer.feedback.request_body import KEY_LENGTH, read_feedback, text
from pathviewer.feedback.reward import judged_text
from pathviewer.questions.errors import ReadingNotFound, ReadingRefused
from storage import audit
from storage.comparisons import pair_assignment
from storage.errors import ConflictError, RecordNotFoundError
from storage.feedback.store import NewFeedback, append_feedback, feedback_of_id, feedback_of_key
from storage.tables import now
from storage.worklists.store import find_worklist, list_worklists

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.auth.consent import Consents
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import LiveReadings
    from pathviewer.settings import Settings
    from pathviewer.slides.library import SlideLibrary
    from storage.comparisons.records import ComparisonRecord
    from storage.database import Database

T = TypeVar("T")
AFRESH = "This pair has come to you again; what you said the first time is shown after your vote."
UNDO_WITHIN = timedelta(hours=12)
"""A session of work: who thinks again later compares a repeat."""
TWO = {"count": 2, "blind": False}


def comparison_routes(
    library: SlideLibrary,
    database: Database,
    pictures: Pictures,
    readings: LiveReadings,
    consents: Consents,
    settings: Settings,
    work: Work,
) -> list[Route]:
    """All need `judge`."""
    routes = ComparisonRoutes(library, database, pictures, readings, consents, settings, work)
    one = "/api/comparisons/{comparison_id}"
    return [
        Route("/api/comparisons", routes.lists, methods=["GET"]),
        Route("/api/comparisons", routes.ask, methods=["POST"]),
        Route("/api/worklists/{worklist_id}/compare", routes.next, methods=["POST"]),
        Route(one, routes.show, methods=["GET"]),
        Route(one + "/vote", routes.vote, methods=["POST"]),
        Route(one + "/undo", routes.undo, methods=["POST"]),
        Route(one + "/skip", routes.skip, methods=["POST"]),
        Route(one + "/{side}/maps", routes.maps, methods=["GET"]),
    ]


class ComparisonRoutes:
    """The handlers; the database's work runs in threads."""

    def __init__(
        self,
        library: SlideLibrary,
        database: Database,
        pictures: Pictures,
        readings: LiveReadings,
        consents: Consents,
        settings: Settings,
        work: Work,
    ) -> None:
        self._work = work
        self._library = library
        self._database = database
        self._pictures = pictures
        self._readings = readings
        self._consents = consents
        self._washout = timedelta(days=settings.washout_days)

    async def lists(self, request: Request) -> Response:
        """`GET`: every list with pairs, and how far one is oneself."""
        account = require(request.scope, Action.judge).account_id

        def work(session: Session) -> list[dict[str, Any]]:
            found = [
                {"id": each.id, "name": each.name}
                | asdict(pair_assignment.pair_progress(session, each, account))
                for each in list_worklists(session)
            ]
            return [each for each in found if each["pairs"]]

        return JSONResponse(await self._read(work))

    async def next(self, request: Request) -> Response:
        """`POST`: the pair in hand, or the next; `{comparison: null}` if there is none now."""
        account = require(request.scope, Action.judge).account_id
        key = request.path_params["worklist_id"]

        def work(session: Session) -> dict[str, Any]:
            worklist = find_worklist(session, key)
            since = now() - self._washout
            one = pair_assignment.next_comparison(session, worklist, account, since)
            return {"comparison": None if one is None else self._json(session, one)}

        return JSONResponse(await self._write(work, account))

    async def ask(self, request: Request) -> Response:
        """`POST`: a question as for `/api/readings`, to be answered twice: 201."""
        account = require(request.scope, Action.ask).account_id
        body = await json_object(request)
        sampling = body.get("sampling") or {}
        drawn = {"temperature": 1.0, **sampling} if isinstance(sampling, dict) else sampling
        body = {**body, **TWO, "sampling": drawn}

        asked = await read_question(request, body, self._readings, self._pictures, self._work)

        def start() -> dict[str, Any]:
            reading_id = self._readings.start(asked).id
            with self._database.session() as session:
                one = pair_assignment.compare_reading(session, account, reading_id)
                return self._json(session, one)

        return JSONResponse(await WRITES.run(lambda: sentences(start), account), 201)

    async def show(self, request: Request) -> Response:
        """`GET`: one that one was given."""
        account = require(request.scope, Action.judge).account_id

        def work(session: Session) -> dict[str, Any]:
            return self._json(session, self._own(session, request, account))

        return JSONResponse(await self._read(work))

    async def vote(self, request: Request) -> Response:
        """`POST {key, choice, reasons?, comment?, seconds?, overlay_seen?}`: with the names."""
        identity = require(request.scope, Action.judge)
        account, body = identity.account_id, await json_object(request)
        await self._consents.ask(identity)

        def work(session: Session) -> dict[str, Any]:
            one = self._own(session, request, account)
            done = append_feedback(session, account, _preference(session, one, body))
            if not done.repeated:
                one = pair_assignment.vote(session, one.id, account, done.record.id)
                detail = {"kind": "preference", "feedback": done.record.id}
                audit.record(session, account, "judge", done.record.completion_id, detail)
            return self._json(session, one)

        return JSONResponse(await self._write(work, account))

    async def undo(self, request: Request) -> Response:
        """`POST {key}`: the comparison, open again; what was said is superseded, not removed."""
        account = require(request.scope, Action.judge).account_id
        key = text(await json_object(request), "key", KEY_LENGTH)

        def work(session: Session) -> dict[str, Any]:
            one = self._own(session, request, account)
            if feedback_of_key(session, account, key) is None:
                one = _undone(session, one, key)
            return self._json(session, one)

        return JSONResponse(await self._write(work, account))

    async def skip(self, request: Request) -> Response:
        """`POST`: pass a pair over."""
        account = require(request.scope, Action.judge).account_id

        def work(session: Session) -> dict[str, Any]:
            one = self._own(session, request, account)
            return self._json(session, pair_assignment.skip(session, one.id, account))

        return JSONResponse(await self._write(work, account))

    async def maps(self, request: Request) -> Response:
        """`GET ?first=&stop=`: where the answer on a side looked."""
        account = require(request.scope, Action.judge).account_id
        side, tokens = request.path_params["side"], asked_tokens(request)
        if side not in SIDES:
            raise ReadingNotFound("A side is left or right.")

        def work() -> dict[str, Any]:
            with self._database.reading() as session:
                answers = side_answers(session, self._own(session, request, account))
            if not answers:
                raise ReadingNotFound("There are no maps of this answer, or not yet.")
            completion, reading = answers[side]
            whole = self._readings.find(reading.id)
            return maps_json(self._readings.seen(whole, completion.index), tokens)

        try:
            told = await while_connected(request, lambda: self._work.maps.run(work, account))
            return JSONResponse(told)
        except ModelError as error:
            raise ReadingRefused(str(error)) from error

    def _own(self, session: Session, request: Request, account: str) -> ComparisonRecord:
        """The comparison of the path; raises ReadingNotFound for those one was not given, and
        ReadingRefused while one compares the same pair afresh."""
        try:
            key = request.path_params["comparison_id"]
            one = pair_assignment.find_comparison(session, key, account)
        except RecordNotFoundError as error:
            raise ReadingNotFound(str(error)) from error
        again = pair_assignment.came_again(session, one)
        if again is not None and again.ended_at is None:
            raise ReadingRefused(AFRESH, 409)
        return one

    def _json(self, session: Session, one: ComparisonRecord) -> dict[str, Any]:
        told = comparison_json(session, one, shows_names=self._library.shows_names)
        told["slide"]["name"] = self._library.name_of(told["slide"]["id"])
        listed = told["worklist"]
        if listed:
            worklist = find_worklist(session, listed["id"])
            told["progress"] = asdict(
                pair_assignment.pair_progress(session, worklist, one.rater_id)
            )
        return told

    async def _read(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with self._database.reading() as session:
                return work(session)

        return await run_in_threadpool(run)

    async def _write(self, work: Callable[[Session], T], account: str) -> T:
        def run() -> T:
            try:
                with self._database.session() as session:
                    return work(session)
            except ConflictError as error:
                raise ReadingRefused(str(error), 409) from error

        return await WRITES.run(run, account)


def _preference(session: Session, one: ComparisonRecord, body: Mapping[str, Any]) -> NewFeedback:
    """The vote of a request; which side is which is what was stored when it was handed out."""
    both = pair_assignment.sides(session, one)
    if both is None:
        raise ReadingRefused("There are not two answers yet to choose from.", 409)
    left, right = both
    pair = {"kind": "preference", "completion": left, "other": right, "left": left}
    return read_feedback({**body, **pair}, judged_text(""), None)


def _undone(session: Session, one: ComparisonRecord, key: str) -> ComparisonRecord:
    if one.feedback_id is None:
        raise ReadingRefused("There is no vote on this pair to undo.", 409)
    said = feedback_of_id(session, one.feedback_id)
    if now() - said.created_at > UNDO_WITHIN or pair_assignment.came_again(session, one):
        raise ReadingRefused("This vote is from an earlier session and stays.", 409)
    new = NewFeedback(
        said.completion_id,
        "preference",
        key,
        other_completion_id=said.other_completion_id,
        left_completion_id=said.left_completion_id,
        choice="undone",
    )
    done = append_feedback(session, one.rater_id, new)
    detail = {"kind": "preference", "feedback": done.record.id, "undone": said.id}
    audit.record(session, one.rater_id, "judge", said.completion_id, detail)
    return pair_assignment.reopen(session, one.id, one.rater_id)
