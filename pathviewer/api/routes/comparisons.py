"""Routes of comparisons: next pair, own question, vote, undo, skip, maps."""

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
from pathviewer.api import user_messages
from pathviewer.api.request_body import read_json_object
from pathviewer.api.routes.attention_maps import read_token_range
from pathviewer.api.routes.questions import read_question, refuse_model_errors
from pathviewer.attention.map_json import maps_json
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES, while_connected
from pathviewer.comparisons.comparison_json import SIDES, comparison_json, find_side_completions
from pathviewer.feedback.completion_reward import cached_completion_text
from pathviewer.feedback.request_body import KEY_LENGTH, read_feedback, read_text
from pathviewer.questions import user_messages as question_messages
from pathviewer.questions.errors import QuestionNotFound, QuestionRefused
from storage import audit
from storage import user_messages as storage_messages
from storage.comparisons import pair_assignment
from storage.errors import ConflictError, RecordNotFoundError
from storage.feedback.store import NewFeedback, append_feedback, find_feedback, find_feedback_by_key
from storage.tables import now
from storage.worklists.store import find_worklist, list_worklists

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.auth.consent import Consents
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.service import QuestionService
    from pathviewer.settings import Settings
    from pathviewer.slides.library import SlideLibrary
    from storage.comparisons.records import ComparisonRecord
    from storage.database import Database

T = TypeVar("T")
UNDO_WITHIN = timedelta(hours=12)
"""Length of a session; older votes cannot be undone, only repeated."""
TWO_COMPLETIONS = {"count": 2, "blind": False}


def comparison_routes(
    library: SlideLibrary,
    database: Database,
    pictures: Pictures,
    questions: QuestionService,
    consents: Consents,
    settings: Settings,
    work: Work,
) -> list[Route]:
    """Return the routes; all need `judge`, asking needs `ask`."""
    routes = ComparisonRoutes(library, database, pictures, questions, consents, settings, work)
    path = "/api/comparisons/{comparison_id}"
    return [
        Route("/api/comparisons", routes.lists, methods=["GET"]),
        Route("/api/comparisons", routes.ask, methods=["POST"]),
        Route("/api/worklists/{worklist_id}/compare", routes.next, methods=["POST"]),
        Route(path, routes.show, methods=["GET"]),
        Route(path + "/vote", routes.vote, methods=["POST"]),
        Route(path + "/undo", routes.undo, methods=["POST"]),
        Route(path + "/skip", routes.skip, methods=["POST"]),
        Route(path + "/{side}/maps", routes.maps, methods=["GET"]),
    ]


class ComparisonRoutes:
    """Handlers; database work runs in threads."""

    def __init__(
        self,
        library: SlideLibrary,
        database: Database,
        pictures: Pictures,
        questions: QuestionService,
        consents: Consents,
        settings: Settings,
        work: Work,
    ) -> None:
        self._work = work
        self._library = library
        self._database = database
        self._pictures = pictures
        self._questions = questions
        self._consents = consents
        self._washout = timedelta(days=settings.washout_days)

    async def lists(self, request: Request) -> Response:
        """`GET`: every worklist with pairs, with the account's progress."""
        account = require(request.scope, Action.judge).account_id

        def work(session: Session) -> list[dict[str, Any]]:
            worklists = [
                {"id": each.id, "name": each.name}
                | asdict(pair_assignment.pair_progress(session, each, account))
                for each in list_worklists(session)
            ]
            return [each for each in worklists if each["pairs"]]

        return JSONResponse(await self._read(work))

    async def next(self, request: Request) -> Response:
        """`POST`: the account's open pair or the next; `{comparison: null}` if there is none."""
        account = require(request.scope, Action.judge).account_id
        key = request.path_params["worklist_id"]

        def work(session: Session) -> dict[str, Any]:
            worklist = find_worklist(session, key)
            since = now() - self._washout
            comparison = pair_assignment.next_comparison(session, worklist, account, since)
            return {"comparison": None if comparison is None else self._json(session, comparison)}

        return JSONResponse(await self._write(work, account))

    async def ask(self, request: Request) -> Response:
        """`POST`: ask a question, as for `/api/readings`, for two answers; 201."""
        account = require(request.scope, Action.ask).account_id
        body = await read_json_object(request)
        sampling = body.get("sampling") or {}
        sampling_values = (
            {"temperature": 1.0, **sampling} if isinstance(sampling, dict) else sampling
        )
        body = {**body, **TWO_COMPLETIONS, "sampling": sampling_values}

        question = await read_question(request, body, self._questions, self._pictures, self._work)

        def start() -> dict[str, Any]:
            question_id = self._questions.start(question).id
            with self._database.session() as session:
                comparison = pair_assignment.compare_question(session, account, question_id)
                return self._json(session, comparison)

        return JSONResponse(await WRITES.run(lambda: refuse_model_errors(start), account), 201)

    async def show(self, request: Request) -> Response:
        """`GET`: a comparison of the account."""
        account = require(request.scope, Action.judge).account_id

        def work(session: Session) -> dict[str, Any]:
            return self._json(session, self._find_own(session, request, account))

        return JSONResponse(await self._read(work))

    async def vote(self, request: Request) -> Response:
        """`POST {key, choice, reasons?, comment?, seconds?, overlay_seen?}`: the comparison, with
        models."""
        identity = require(request.scope, Action.judge)
        account, body = identity.account_id, await read_json_object(request)
        await self._consents.require_consent(identity)

        def work(session: Session) -> dict[str, Any]:
            comparison = self._find_own(session, request, account)
            appended = append_feedback(session, account, _read_vote(session, comparison, body))
            if not appended.repeated:
                comparison = pair_assignment.record_vote(
                    session, comparison.id, account, appended.record.id
                )
                detail = {"kind": "preference", "feedback": appended.record.id}
                audit.add_entry(session, account, "judge", appended.record.completion_id, detail)
            return self._json(session, comparison)

        return JSONResponse(await self._write(work, account))

    async def undo(self, request: Request) -> Response:
        """`POST {key}`: the reopened comparison; the vote is superseded, not removed."""
        account = require(request.scope, Action.judge).account_id
        key = read_text(await read_json_object(request), "key", KEY_LENGTH)

        def work(session: Session) -> dict[str, Any]:
            comparison = self._find_own(session, request, account)
            if find_feedback_by_key(session, account, key) is None:
                comparison = _undo_vote(session, comparison, key)
            return self._json(session, comparison)

        return JSONResponse(await self._write(work, account))

    async def skip(self, request: Request) -> Response:
        """`POST`: skip a pair."""
        account = require(request.scope, Action.judge).account_id

        def work(session: Session) -> dict[str, Any]:
            comparison = self._find_own(session, request, account)
            return self._json(
                session, pair_assignment.skip_comparison(session, comparison.id, account)
            )

        return JSONResponse(await self._write(work, account))

    async def maps(self, request: Request) -> Response:
        """`GET ?first=&stop=`: attention maps of a side's completion, or of these tokens."""
        account = require(request.scope, Action.judge).account_id
        side, tokens = request.path_params["side"], read_token_range(request)
        if side not in SIDES:
            raise QuestionNotFound(user_messages.SIDE_UNKNOWN)

        def work() -> dict[str, Any]:
            with self._database.read_only() as session:
                answers = find_side_completions(session, self._find_own(session, request, account))
            if not answers:
                raise QuestionNotFound(question_messages.NO_MAPS_YET)
            completion, record = answers[side]
            snapshot = self._questions.find(record.id)
            return maps_json(self._questions.find_attention(snapshot, completion.index), tokens)

        try:
            document = await while_connected(request, lambda: self._work.maps.run(work, account))
            return JSONResponse(document)
        except ModelError as error:
            raise QuestionRefused(str(error)) from error

    def _find_own(self, session: Session, request: Request, account: str) -> ComparisonRecord:
        """Return the path's comparison.

        Raises QuestionNotFound unless it is the account's own, and QuestionRefused while the
        account compares the same pair again.
        """
        try:
            key = request.path_params["comparison_id"]
            comparison = pair_assignment.find_comparison(session, key, account)
        except RecordNotFoundError as error:
            raise QuestionNotFound(str(error)) from error
        repeat = pair_assignment.find_repeated_comparison(session, comparison)
        if repeat is not None and repeat.ended_at is None:
            raise QuestionRefused(user_messages.REPEAT_UNDER_WAY, 409)
        return comparison

    def _json(self, session: Session, comparison: ComparisonRecord) -> dict[str, Any]:
        document = comparison_json(session, comparison, shows_names=self._library.shows_names)
        document["slide"]["name"] = self._library.name_of(document["slide"]["id"])
        worklist_facts = document["worklist"]
        if worklist_facts:
            worklist = find_worklist(session, worklist_facts["id"])
            document["progress"] = asdict(
                pair_assignment.pair_progress(session, worklist, comparison.rater_id)
            )
        return document

    async def _read(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with self._database.read_only() as session:
                return work(session)

        return await run_in_threadpool(run)

    async def _write(self, work: Callable[[Session], T], account: str) -> T:
        def run() -> T:
            try:
                with self._database.session() as session:
                    return work(session)
            except ConflictError as error:
                raise QuestionRefused(str(error), 409) from error

        return await WRITES.run(run, account)


def _read_vote(
    session: Session, comparison: ComparisonRecord, body: Mapping[str, Any]
) -> NewFeedback:
    """Parse the vote of a request; the sides are those stored with the assignment."""
    completion_ids = pair_assignment.find_sides(session, comparison)
    if completion_ids is None:
        raise QuestionRefused(user_messages.ANSWERS_INCOMPLETE, 409)
    left, right = completion_ids
    pair = {"kind": "preference", "completion": left, "other": right, "left": left}
    return read_feedback({**body, **pair}, cached_completion_text(""), None)


def _undo_vote(session: Session, comparison: ComparisonRecord, key: str) -> ComparisonRecord:
    if comparison.feedback_id is None:
        raise QuestionRefused(storage_messages.NO_VOTE_TO_UNDO, 409)
    vote = find_feedback(session, comparison.feedback_id)
    if now() - vote.created_at > UNDO_WITHIN or pair_assignment.find_repeated_comparison(
        session, comparison
    ):
        raise QuestionRefused(user_messages.OLD_VOTE_FINAL, 409)
    new = NewFeedback(
        vote.completion_id,
        "preference",
        key,
        other_completion_id=vote.other_completion_id,
        left_completion_id=vote.left_completion_id,
        choice="undone",
    )
    appended = append_feedback(session, comparison.rater_id, new)
    detail = {"kind": "preference", "feedback": appended.record.id, "undone": vote.id}
    audit.add_entry(session, comparison.rater_id, "judge", vote.completion_id, detail)
    return pair_assignment.reopen_comparison(session, comparison.id, comparison.rater_id)
