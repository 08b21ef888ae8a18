"""Routes of worklists: list, next item, first answer, end or skip."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from pathviewer.api import user_messages
from pathviewer.api.json_route import Judge, json_router
from pathviewer.api.route_sessions import RouteSessions
from pathviewer.api.schemas.worklists import (
    EndedItem,
    EndRequest,
    NextItem,
    WorklistItemOut,
    WorklistOut,
)
from pathviewer.feedback.request import OwnAnswerRequest
from pathviewer.questions.blinding import require_visible
from pathviewer.questions.errors import QuestionConflict, QuestionNotFound
from storage.blinding.policy import Access, Content, Mode
from storage.blinding.state import load_question_state
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
    from storage.blinding.policy import Viewer
    from storage.blinding.state import QuestionState
    from storage.database import Database
    from storage.worklists.records import AssignmentRecord


class WorklistRoutes:
    """Handlers, also called by the Gradio endpoints; database work runs in threads."""

    def __init__(self, library: SlideLibrary, database: Database, settings: Settings) -> None:
        self._library = library
        self._sessions = RouteSessions(database)
        self._washout = timedelta(days=settings.washout_days)

    def router(self) -> APIRouter:
        """Return the routes; all need `judge`."""
        router = json_router()
        path = "/api/worklist-items/{item_id}"
        router.get("/api/worklists", response_model=list[WorklistOut])(self.lists)
        router.post("/api/worklists/{worklist_id}/next", response_model=NextItem)(self.next)
        router.get(path, response_model=WorklistItemOut)(self.show)
        router.post(path + "/first-answer", response_model=WorklistItemOut)(self.first_answer)
        router.post(path + "/end", response_model=EndedItem)(self.end)
        return router

    async def lists(self, caller: Judge) -> list[dict[str, Any]]:
        """List every worklist with the caller's progress."""
        account = caller.account_id
        return await self._sessions.read(
            lambda session: _worklists_json(session, account), caller.bound_key
        )

    async def next(self, caller: Judge, worklist_id: str) -> dict[str, Any]:
        """Return the caller's open item, or assign the next; a null item if there is none."""
        account, viewer = caller.account_id, caller.viewer

        def work(session: Session) -> dict[str, Any]:
            worklist = find_worklist(session, worklist_id)
            assignment = next_assignment(session, worklist, account, now() - self._washout)
            item = None if assignment is None else self._item_json(session, viewer, assignment)
            return {
                "item": item,
                "worklist": {"id": worklist.id, "name": worklist.name},
                "progress": asdict(worklist_progress(session, worklist, account)),
            }

        return await self._sessions.write(work, account)

    async def show(self, caller: Judge, item_id: str) -> dict[str, Any]:
        """Return an item assigned to the caller."""

        def work(session: Session) -> dict[str, Any]:
            assignment = _find_own(session, item_id, caller.account_id)
            return self._item_json(session, caller.viewer, assignment)

        return await self._sessions.read(work, caller.bound_key)

    async def first_answer(
        self, caller: Judge, item_id: str, answer: OwnAnswerRequest
    ) -> dict[str, Any]:
        """Give one's own answer; the item with its completions. 409 for a second answer."""

        def work(session: Session) -> dict[str, Any]:
            before = _find_own(session, item_id, caller.account_id)
            _refuse_late_answer(session, before, caller.viewer)
            assignment = freeze_assignment_answer(
                session, before.id, answer.answer, answer.confidence
            )
            return self._item_json(session, caller.viewer, assignment)

        return await self._sessions.write(work, caller.account_id)

    async def end(self, caller: Judge, item_id: str, ending: EndRequest) -> dict[str, Any]:
        """End the assignment, `again` if it had ended; 409 if neither judged nor skipped."""

        def work(session: Session) -> dict[str, Any]:
            assignment = _find_own(session, item_id, caller.account_id)
            ended = end_assignment(session, assignment.id, skipped=ending.skipped)
            return {"id": item_id, "again": not ended}

        return await self._sessions.write(work, caller.account_id)

    def _item_json(
        self, session: Session, viewer: Viewer, assignment: AssignmentRecord
    ) -> dict[str, Any]:
        """Return an item as its rater may see it now.

        Raises QuestionConflict while a pair of its completions awaits the rater's vote.
        """
        item = find_item(session, assignment.item_id)
        worklist = find_worklist(session, item.worklist_id)
        access = load_question_state(session, str(item.question_id), viewer)
        question_id = item.question_id if _shows_answers(access) else None
        shows_reference = worklist.teaching and access.decide(Content.reference).is_visible
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
            **_own_answer_json(assignment),
            "reading": question_id,
            "completions": _completions_json(session, question_id, assignment.id),
            "reference_answer": item.reference_answer if shows_reference else None,
            "ended": assignment.ended_at is not None,
        }


def _find_own(session: Session, item_id: str, account: str) -> AssignmentRecord:
    """Return the account's assignment of an item. Raises QuestionNotFound without one."""
    assignment = None if "\0" in item_id else find_assignment(session, item_id, account)
    if assignment is None:
        raise QuestionNotFound(user_messages.NO_ITEM)
    return assignment


def _refuse_late_answer(session: Session, assignment: AssignmentRecord, viewer: Viewer) -> None:
    """Raise QuestionConflict if an own answer would come after the model's in a blind list."""
    question_id = find_item(session, assignment.item_id).question_id
    access = load_question_state(session, str(question_id), viewer)
    late = assignment.first_answer is None and access.decide(Content.answers).is_visible
    if access.mode is Mode.blind_list and late:
        raise QuestionConflict(user_messages.ANSWER_TOO_LATE)


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


def _shows_answers(access: QuestionState) -> bool:
    """Return whether the rater has answered; raises QuestionConflict while they owe a vote."""
    answers = access.decide(Content.answers)
    if answers.access is not Access.answer_first:
        require_visible(answers)
    return answers.is_visible


def _own_answer_json(assignment: AssignmentRecord) -> dict[str, Any]:
    answer, confidence = assignment.first_answer, assignment.first_confidence
    return {"first_answer": answer, "first_confidence": confidence}


def _completions_json(
    session: Session, question_id: str | None, assignment_id: str
) -> list[dict[str, Any]] | None:
    """Return the completions; `judged`: this assignment has a verdict or vote on it."""
    if question_id is None:
        return None
    rated_ids = list_rated_completions(session, assignment_id)
    return [
        {"id": each.id, "index": each.index, "text": each.text, "judged": each.id in rated_ids}
        for each in list_completions(session, [question_id])
    ]
