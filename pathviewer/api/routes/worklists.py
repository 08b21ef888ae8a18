"""Routes of worklists: list, next item, first answer, end or skip."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.request_body import read_json_object
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES
from pathviewer.feedback.request_body import refuse_control_token
from pathviewer.questions.errors import QuestionNotFound, QuestionRefused
from pathviewer.questions.model_input import read_whole_number
from pathviewer.questions.request_body import is_text
from storage.errors import ConflictError
from storage.questions.store import list_completions
from storage.tables import now
from storage.worklists.item_assignment import (
    end_assignment,
    find_assignment,
    freeze_assignment_answer,
    list_rated_completions,
    next_assignment,
    worklist_progress,
)
from storage.worklists.store import find_item, find_worklist, list_worklists

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.settings import Settings
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database
    from storage.worklists.records import AssignmentRecord, ItemRecord, WorklistRecord

T = TypeVar("T")
LONGEST_ANSWER = 1_000


def worklist_routes(library: SlideLibrary, database: Database, settings: Settings) -> list[Route]:
    """Return the routes; all need `judge`."""
    routes = WorklistRoutes(library, database, settings)
    return [
        Route("/api/worklists", routes.lists, methods=["GET"]),
        Route("/api/worklists/{worklist_id}/next", routes.next, methods=["POST"]),
        Route("/api/worklist-items/{item_id}", routes.show, methods=["GET"]),
        Route("/api/worklist-items/{item_id}/first-answer", routes.first_answer, methods=["POST"]),
        Route("/api/worklist-items/{item_id}/end", routes.end, methods=["POST"]),
    ]


class WorklistRoutes:
    """Handlers; database work runs in threads."""

    def __init__(self, library: SlideLibrary, database: Database, settings: Settings) -> None:
        self._library = library
        self._database = database
        self._washout = timedelta(days=settings.washout_days)

    async def lists(self, request: Request) -> Response:
        """`GET`: every worklist, with the account's progress."""
        account = require(request.scope, Action.judge).account_id
        return JSONResponse(await self._read(lambda session: _worklists_json(session, account)))

    async def next(self, request: Request) -> Response:
        """`POST`: the account's open item or the next; `{item: null}` if there is none."""
        account = require(request.scope, Action.judge).account_id
        key = request.path_params["worklist_id"]

        def work(session: Session) -> dict[str, Any]:
            worklist = find_worklist(session, key)
            assignment = next_assignment(session, worklist, account, now() - self._washout)
            item = None if assignment is None else self._item_json(session, worklist, assignment)
            return {
                "item": item,
                "worklist": {"id": worklist.id, "name": worklist.name},
                "progress": asdict(worklist_progress(session, worklist, account)),
            }

        return JSONResponse(await self._write(work, account))

    async def show(self, request: Request) -> Response:
        """`GET`: an item assigned to the account."""
        account = require(request.scope, Action.judge).account_id
        key = request.path_params["item_id"]

        def work(session: Session) -> dict[str, Any]:
            item, assignment = _find_own(session, key, account)
            return self._item_json(session, find_worklist(session, item.worklist_id), assignment)

        return JSONResponse(await self._read(work))

    async def first_answer(self, request: Request) -> Response:
        """`POST {answer, confidence?}`: the item with its completions; 409 for a second answer."""
        account = require(request.scope, Action.judge).account_id
        key, body = request.path_params["item_id"], await read_json_object(request)
        answer, confidence = _read_answer(body)

        def work(session: Session) -> dict[str, Any]:
            item, assignment = _find_own(session, key, account)
            assignment = freeze_assignment_answer(session, assignment.id, answer, confidence)
            return self._item_json(session, find_worklist(session, item.worklist_id), assignment)

        return JSONResponse(await self._write(work, account))

    async def end(self, request: Request) -> Response:
        """`POST {skipped?}`: end the assignment, `again` if it had ended; 409 if it is neither
        judged nor skipped."""
        account = require(request.scope, Action.judge).account_id
        key, body = request.path_params["item_id"], await read_json_object(request)

        def work(session: Session) -> dict[str, Any]:
            _, assignment = _find_own(session, key, account)
            ended = end_assignment(session, assignment.id, skipped=body.get("skipped") is True)
            return {"id": key, "again": not ended}

        return JSONResponse(await self._write(work, account))

    def _item_json(
        self, session: Session, worklist: WorklistRecord, assignment: AssignmentRecord
    ) -> dict[str, Any]:
        """Return an item as its rater may see it now."""
        item = find_item(session, assignment.item_id)
        rated_ids = list_rated_completions(session, assignment.id)
        question_id = (
            None if worklist.blind and assignment.first_answer is None else item.question_id
        )
        return {
            "id": item.id,
            "worklist": {"id": worklist.id, "name": worklist.name},
            "slide": {"id": item.slide_id, "name": self._library.name_of(item.slide_id)},
            "box": {side: getattr(item, side) for side in ("x", "y", "width", "height")},
            "question": item.question,
            "options": list(item.options),
            "task": item.task,
            "round": assignment.round,
            "blind": worklist.blind,
            "teaching": worklist.teaching,
            "first_answer": assignment.first_answer,
            "first_confidence": assignment.first_confidence,
            "reading": question_id,
            "completions": None
            if question_id is None
            else _completions_json(session, question_id, rated_ids),
            "reference_answer": item.reference_answer if worklist.teaching and rated_ids else None,
            "ended": assignment.ended_at is not None,
        }

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


def _find_own(session: Session, item_id: str, account: str) -> tuple[ItemRecord, AssignmentRecord]:
    """Return an item and the account's assignment. Raises QuestionNotFound without one."""
    assignment = None if "\0" in item_id else find_assignment(session, item_id, account)
    if assignment is None:
        raise QuestionNotFound(user_messages.NO_ITEM)
    return find_item(session, item_id), assignment


def _worklists_json(session: Session, account: str) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "name": each.name,
            "blind": each.blind,
            "teaching": each.teaching,
            **asdict(worklist_progress(session, each, account)),
        }
        for each in list_worklists(session)
    ]


def _completions_json(
    session: Session, question_id: str, rated_ids: Collection[str]
) -> list[dict[str, Any]]:
    """Return the completions; `judged`: this assignment has a verdict or vote on it."""
    return [
        {"id": each.id, "index": each.index, "text": each.text, "judged": each.id in rated_ids}
        for each in list_completions(session, [question_id])
    ]


def _read_answer(body: Mapping[str, Any]) -> tuple[str, int | None]:
    answer = body.get("answer")
    if not is_text(answer) or not 0 < len(answer.strip()) <= LONGEST_ANSWER:
        raise QuestionRefused(user_messages.answer_length(LONGEST_ANSWER))
    refuse_control_token("The answer", answer)
    confidence = (
        None if body.get("confidence") is None else read_whole_number(body, "confidence", 1, 5)
    )
    return answer.strip(), confidence
