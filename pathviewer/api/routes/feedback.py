"""Routes of feedback: append-only, and blinded until the rater's own feedback is complete."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from fastapi import APIRouter
from starlette.responses import Response

from pathviewer.api import user_messages
from pathviewer.api.json_route import Judge, json_router
from pathviewer.api.schemas.feedback import CompletionFeedback, FeedbackReceiptOut
from pathviewer.common.work_queue import READS
from pathviewer.feedback.check_feedback import check_feedback
from pathviewer.feedback.completion_reward import cached_completion_text
from pathviewer.feedback.feedback_json import (
    feedback_by_kind_json,
    feedback_json,
    feedback_of_kind_json,
    others_feedback_json,
    reward_json,
    select_shown_feedback,
)
from pathviewer.feedback.request import FeedbackRequest
from pathviewer.questions.blinding import require_visible
from pathviewer.questions.errors import (
    QuestionConflict,
    QuestionForbidden,
    QuestionNotFound,
    QuestionRefused,
)
from pathviewer.slides.errors import SlideGone, SlideNotFound
from storage import audit
from storage.blinding.policy import Content, Mode, Viewer
from storage.blinding.state import QuestionState, load_question_state
from storage.comparisons.pairs import is_worklist_pair
from storage.errors import RecordNotFoundError, StorageError
from storage.feedback.store import (
    FeedbackReceipt,
    append_feedback,
    list_current_feedback,
    list_feedback_history,
)
from storage.group_commit import GroupWriter
from storage.questions.store import find_completion, find_question

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.auth.consent import Consents
    from pathviewer.auth.identity import Identity
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database
    from storage.questions.records import CompletionRecord, QuestionRecord

MOST_CACHED_TARGETS = 1_000
"""Completions that are cached for further feedback."""


@dataclass(frozen=True)
class FeedbackTarget:
    """A completion that the account may judge."""

    completion: CompletionRecord
    """The completion."""

    question: QuestionRecord
    """Its question."""

    access: QuestionState
    """What the caller may see of the question."""


class FeedbackRoutes:
    """Handlers, also called by the Gradio endpoints; one thread checks and writes feedback."""

    def __init__(
        self, library: SlideLibrary, database: Database, consents: Consents | None = None
    ) -> None:
        self._library = library
        self._consents = consents
        self._database = database
        self._writer = GroupWriter(database)
        self._targets: LRUCache[tuple[Viewer, str], FeedbackTarget] = LRUCache(
            MOST_CACHED_TARGETS
        )  # of that thread

    def router(self) -> APIRouter:
        """Return the routes to add and to show feedback; both need `judge`."""
        router = json_router()
        path = "/api/completions/{completion_id}/feedback"
        router.post(
            "/api/feedback",
            status_code=201,
            response_model=FeedbackReceiptOut,
            responses={200: {"model": FeedbackReceiptOut, "description": "Stored before"}},
        )(self.add)
        router.get(path, response_model=CompletionFeedback)(self.show)
        return router

    async def add(
        self, caller: Judge, feedback: FeedbackRequest, response: Response
    ) -> dict[str, Any]:
        """Store feedback; 201 once it is on the disk, 200 for a key that is already stored."""
        check_sender(caller, feedback.account)
        if self._consents is not None:
            await self._consents.require_consent(caller)
        try:
            future = self._writer.submit(partial(self._add, caller, feedback))
            target, appended = await asyncio.wrap_future(future)
        except StorageError:
            self._targets = LRUCache(MOST_CACHED_TARGETS)  # a completion may have been withdrawn
            raise
        if appended.repeated:
            response.status_code = 200
        return {
            "id": appended.record.id,
            "created_at": appended.record.created_at.isoformat(),
            "supersedes": appended.record.supersedes_id,
            "reward": reward_json(
                target.completion, select_shown_feedback(appended.current, target.access)
            ),
        }

    async def show(self, caller: Judge, completion_id: str) -> dict[str, Any]:
        """Return the caller's feedback; others' too once they gave verdict and labels."""
        return await READS.run(lambda: self._show(caller, completion_id), caller.bound_key)

    def _add(
        self, identity: Identity, feedback: FeedbackRequest, session: Session
    ) -> tuple[FeedbackTarget, FeedbackReceipt]:
        target = self._find_target(session, identity, feedback.completion)
        slide = self._slide_size(target.question.slide_id)
        new = check_feedback(feedback, cached_completion_text(target.completion.text), slide)
        if new.other_completion_id is not None:
            check_pair(target, self._find_target(session, identity, new.other_completion_id))
            if is_worklist_pair(session, new.completion_id, new.other_completion_id):
                raise QuestionConflict(user_messages.PAIR_OF_WORKLIST)
        appended = append_feedback(session, identity.account_id, new)
        if not appended.repeated:
            detail = {"kind": new.kind, "feedback": appended.record.id}
            audit.add_entry(session, identity.account_id, "judge", new.completion_id, detail)
        return target, appended

    def _find_target(
        self, session: Session, identity: Identity, completion_id: str
    ) -> FeedbackTarget:
        """As `find_feedback_target`, with a cache of the accounts' own questions."""
        key = (identity.viewer, completion_id)
        target = self._targets.get(key) or find_feedback_target(session, identity, completion_id)
        if target.access.mode is Mode.own_question:  # once visible, it stays visible
            self._targets[key] = target
        return target

    def _slide_size(self, slide_id: str) -> tuple[int, int] | None:
        """Return a slide's width and height, level-0 pixels; None if the slide is gone."""
        try:
            entry = self._library.entry(slide_id)
        except (SlideNotFound, SlideGone):
            return None
        return entry.width, entry.height

    def _show(self, identity: Identity, completion_id: str) -> dict[str, Any]:
        with self._database.read_only() as session:
            target = find_feedback_target(session, identity, completion_id)
            current = list_current_feedback(session, [target.completion.id])
            all_feedback = list_feedback_history(session, [target.completion.id])
        own_feedback = select_shown_feedback(current, target.access)
        own_history = select_shown_feedback(all_feedback, target.access)
        others_blinded = not target.access.decide(Content.feedback, completion_id).is_visible
        return {
            "own": feedback_by_kind_json(own_feedback)
            | {"preferences": feedback_of_kind_json(own_feedback, "preference")},
            "history": [feedback_json(record) for record in reversed(own_history)],
            "others": None
            if others_blinded
            else others_feedback_json(current, all_feedback, identity.account_id),
            "others_withheld": others_blinded,
            "reward": reward_json(target.completion, own_feedback),
        }


def check_sender(identity: Identity, account: str | None) -> None:
    """Raise QuestionRefused if the page belongs to another account than the one logged in.

    A tab left open in a shared browser sends the cookie of the next user.
    """
    if account not in (None, identity.account_id):
        raise QuestionForbidden(user_messages.OTHER_ACCOUNT)


def find_feedback_target(
    session: Session, identity: Identity, completion_id: str
) -> FeedbackTarget:
    """Return a completion that the account may judge, which is one that it may see.

    Raises QuestionNotFound, and QuestionRefused while the account must do something first.
    """
    try:
        if "\0" in completion_id:  # PostgreSQL would raise an error instead
            raise RecordNotFoundError
        completion = find_completion(session, completion_id)
    except RecordNotFoundError:
        raise QuestionNotFound(user_messages.NO_ANSWER_TO_JUDGE) from None
    question = find_question(session, completion.question_id)
    access = load_question_state(session, question.id, identity.viewer)
    require_visible(access.decide(Content.answers), user_messages.NO_ANSWER_TO_JUDGE)
    return FeedbackTarget(completion, question, access)


def check_pair(target: FeedbackTarget, other: FeedbackTarget) -> None:
    """Raise QuestionRefused unless two completions have the same prompt and picture."""
    inputs = [(each.question.pixels_sha256, each.question.prompt) for each in (target, other)]
    if inputs[0] != inputs[1]:
        raise QuestionRefused(user_messages.OTHER_QUESTION)
