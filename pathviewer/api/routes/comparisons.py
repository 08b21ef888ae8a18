"""Routes of comparisons: next pair, own question, vote, undo, skip, maps."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from pathviewer.api import user_messages
from pathviewer.api.json_route import Asker, Connection, Judge, json_router, render_in_thread
from pathviewer.api.route_sessions import RouteSessions
from pathviewer.api.routes.attention_maps import Tokens, completion_maps
from pathviewer.api.schemas.comparisons import (
    ComparisonList,
    ComparisonOut,
    NextComparison,
    SideName,
)
from pathviewer.api.schemas.maps import Maps
from pathviewer.auth.identity import Forbidden, refusal
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import while_connected
from pathviewer.comparisons.comparison_json import comparison_json, find_side_completions
from pathviewer.feedback.check_feedback import check_feedback
from pathviewer.feedback.completion_reward import cached_completion_text
from pathviewer.feedback.request import PreferenceRequest, UndoRequest, VoteRequest
from pathviewer.questions import user_messages as question_messages
from pathviewer.questions.blinding import require_visible
from pathviewer.questions.errors import QuestionConflict, QuestionNotFound
from pathviewer.questions.request import QuestionRequest, SamplingRequest
from storage import audit
from storage import user_messages as storage_messages
from storage.blinding.policy import Content
from storage.blinding.state import load_pair_state
from storage.comparisons import pair_assignment
from storage.errors import RecordNotFoundError
from storage.feedback.store import NewFeedback, append_feedback, find_feedback, find_feedback_by_key
from storage.feedback.vocabulary import UNDONE
from storage.tables import now
from storage.worklists.store import find_worklist, list_worklists

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.api.question_asker import QuestionAsker
    from pathviewer.auth.consent import Consents
    from pathviewer.common.work_queue import Work
    from pathviewer.questions.run import QuestionRun
    from pathviewer.questions.service import QuestionService
    from pathviewer.settings import Settings
    from pathviewer.slides.library import SlideLibrary
    from storage.blinding.policy import Viewer
    from storage.comparisons.records import ComparisonRecord
    from storage.database import Database

UNDO_WITHIN = timedelta(hours=12)
"""Length of a session; older votes cannot be undone, only repeated."""
COMPARED_TEMPERATURE = 1.0
"""Temperature of two answers to compare, unless the caller sets one."""


class ComparisonRoutes:
    """Handlers, also called by the Gradio endpoints; database work runs in threads."""

    def __init__(
        self,
        library: SlideLibrary,
        database: Database,
        asker: QuestionAsker,
        questions: QuestionService,
        consents: Consents,
        settings: Settings,
        work: Work,
    ) -> None:
        self._work = work
        self._library = library
        self._database = database
        self._sessions = RouteSessions(database)
        self._asker = asker
        self._questions = questions
        self._consents = consents
        self._washout = timedelta(days=settings.washout_days)

    def router(self) -> APIRouter:
        """Return the routes; all need `judge`, asking needs `ask`."""
        router = json_router()
        path = "/api/comparisons/{comparison_id}"
        router.get("/api/comparisons", response_model=list[ComparisonList])(self.lists)
        router.post("/api/comparisons", status_code=201, response_model=ComparisonOut)(self.ask)
        router.post("/api/worklists/{worklist_id}/compare", response_model=NextComparison)(
            self.next
        )
        router.get(path, response_model=ComparisonOut)(self.show)
        router.post(path + "/vote", response_model=ComparisonOut)(self.vote)
        router.post(path + "/undo", response_model=ComparisonOut)(self.undo)
        router.post(path + "/skip", response_model=ComparisonOut)(self.skip)
        router.get(path + "/{side}/maps", response_model=Maps)(render_in_thread(self.maps))
        return router

    async def lists(self, caller: Judge) -> list[dict[str, Any]]:
        """List every worklist with pairs, with the caller's progress."""

        def work(session: Session) -> list[dict[str, Any]]:
            worklists = [
                {"id": each.id, "name": each.name}
                | asdict(pair_assignment.pair_progress(session, each, caller.account_id))
                for each in list_worklists(session)
            ]
            return [each for each in worklists if each["pairs"]]

        return await self._sessions.read(work, caller.bound_key)

    async def next(self, caller: Judge, worklist_id: str) -> dict[str, Any]:
        """Return the caller's open pair, or assign the next; null if there is none."""
        account = caller.account_id

        def work(session: Session) -> dict[str, Any]:
            worklist = find_worklist(session, worklist_id)
            since = now() - self._washout
            comparison = pair_assignment.next_comparison(session, worklist, account, since)
            return {
                "comparison": None
                if comparison is None
                else self._json(session, caller.viewer, comparison)
            }

        return await self._sessions.write(work, account)

    async def ask(
        self, caller: Asker, client: Connection, question: QuestionRequest
    ) -> dict[str, Any]:
        """Ask a question for two answers to compare, whatever `count` and `blind` say.

        Needs `judge` too: who cannot vote would wait for answers that they never see.
        """
        if not caller.may(Action.judge):
            raise Forbidden(refusal(caller, Action.judge))
        sampling = question.sampling or SamplingRequest()
        if sampling.temperature is None:
            sampling = sampling.model_copy(update={"temperature": COMPARED_TEMPERATURE})
        two_answers = {"count": 2, "blind": False, "sampling": sampling}

        def compare(run: QuestionRun) -> dict[str, Any]:
            with self._database.session() as session:
                comparison = pair_assignment.compare_question(session, caller.account_id, run.id)
                return self._json(session, caller.viewer, comparison)

        return await self._asker.ask(
            caller, client, question.model_copy(update=two_answers), compare
        )

    async def show(self, caller: Judge, comparison_id: str) -> dict[str, Any]:
        """Return a comparison of the caller."""

        def work(session: Session) -> dict[str, Any]:
            return self._json(
                session, caller.viewer, _find_own(session, comparison_id, caller.viewer)
            )

        return await self._sessions.read(work, caller.bound_key)

    async def vote(self, caller: Judge, comparison_id: str, vote: VoteRequest) -> dict[str, Any]:
        """Vote; the comparison comes back with the models' names."""
        account = caller.account_id
        await self._consents.require_consent(caller)

        def work(session: Session) -> dict[str, Any]:
            comparison = _find_own(session, comparison_id, caller.viewer)
            appended = append_feedback(session, account, _new_vote(session, comparison, vote))
            if not appended.repeated:
                comparison = pair_assignment.record_vote(
                    session, comparison.id, account, appended.record.id
                )
                detail = {"kind": "preference", "feedback": appended.record.id}
                audit.add_entry(session, account, "judge", appended.record.completion_id, detail)
            return self._json(session, caller.viewer, comparison)

        return await self._sessions.write(work, account)

    async def undo(self, caller: Judge, comparison_id: str, undo: UndoRequest) -> dict[str, Any]:
        """Reopen a comparison; the vote is superseded, not removed."""
        account = caller.account_id

        def work(session: Session) -> dict[str, Any]:
            comparison = _find_own(session, comparison_id, caller.viewer)
            if find_feedback_by_key(session, account, undo.key) is None:
                comparison = _undo_vote(session, comparison, undo.key)
            return self._json(session, caller.viewer, comparison)

        return await self._sessions.write(work, account)

    async def skip(self, caller: Judge, comparison_id: str) -> dict[str, Any]:
        """Skip a pair."""
        account = caller.account_id

        def work(session: Session) -> dict[str, Any]:
            comparison = _find_own(session, comparison_id, caller.viewer)
            skipped = pair_assignment.skip_comparison(session, comparison.id, account)
            return self._json(session, caller.viewer, skipped)

        return await self._sessions.write(work, account)

    async def maps(
        self,
        caller: Judge,
        client: Connection,
        comparison_id: str,
        side: SideName,
        query: Tokens,
    ) -> dict[str, Any]:
        """Return the attention maps of a side's completion, or of some of its tokens."""
        account = caller.account_id

        def work() -> dict[str, Any]:
            with self._database.read_only() as session:
                answers = find_side_completions(
                    session, _find_own(session, comparison_id, caller.viewer)
                )
            if not answers:
                raise QuestionNotFound(question_messages.NO_MAPS_YET)
            completion, record = answers[side]
            snapshot = self._questions.find(record.id)
            return completion_maps(
                self._questions.find_attention(snapshot, completion.index), query.tokens
            )

        return await while_connected(client, lambda: self._work.maps.run(work, account))

    def _json(
        self, session: Session, viewer: Viewer, comparison: ComparisonRecord
    ) -> dict[str, Any]:
        shows_names = self._library.shows_names
        document = comparison_json(session, comparison, viewer, shows_names=shows_names)
        document["slide"]["name"] = self._library.name_of(document["slide"]["id"])
        worklist_facts, document["progress"] = document["worklist"], None
        if worklist_facts:
            worklist = find_worklist(session, worklist_facts["id"])
            document["progress"] = asdict(
                pair_assignment.pair_progress(session, worklist, comparison.rater_id)
            )
        return document


def _find_own(session: Session, comparison_id: str, viewer: Viewer) -> ComparisonRecord:
    """Return a comparison of the account.

    Raises QuestionNotFound unless it is the account's own, and QuestionConflict while the account
    compares the same pair again.
    """
    try:
        comparison = pair_assignment.find_comparison(session, comparison_id, viewer.account_id)
    except RecordNotFoundError as error:
        raise QuestionNotFound(str(error)) from error
    completion_ids = pair_assignment.find_sides(session, comparison)
    if completion_ids is not None:
        access = load_pair_state(session, viewer, completion_ids)
        require_visible(access.decide(Content.sides), storage_messages.NO_COMPARISON)
        if comparison.ended_at is not None:
            require_visible(access.decide(Content.own_vote))
    return comparison


def _new_vote(session: Session, comparison: ComparisonRecord, vote: VoteRequest) -> NewFeedback:
    """Return the row of a vote; the sides are those stored with the assignment."""
    completion_ids = pair_assignment.find_sides(session, comparison)
    if completion_ids is None:
        raise QuestionConflict(user_messages.ANSWERS_INCOMPLETE)
    left, right = completion_ids
    preference = PreferenceRequest(
        kind="preference", completion=left, other=right, left=left, **dict(vote)
    )
    return check_feedback(preference, cached_completion_text(""), None)


def _undo_vote(session: Session, comparison: ComparisonRecord, key: str) -> ComparisonRecord:
    if comparison.feedback_id is None:
        raise QuestionConflict(storage_messages.NO_VOTE_TO_UNDO)
    vote = find_feedback(session, comparison.feedback_id)
    if now() - vote.created_at > UNDO_WITHIN or pair_assignment.find_repeated_comparison(
        session, comparison
    ):
        raise QuestionConflict(user_messages.OLD_VOTE_FINAL)
    new = NewFeedback(
        vote.completion_id,
        "preference",
        key,
        other_completion_id=vote.other_completion_id,
        left_completion_id=vote.left_completion_id,
        choice=UNDONE,
    )
    appended = append_feedback(session, comparison.rater_id, new)
    detail = {"kind": "preference", "feedback": appended.record.id, "undone": vote.id}
    audit.add_entry(session, comparison.rater_id, "judge", vote.completion_id, detail)
    return pair_assignment.reopen_comparison(session, comparison.id, comparison.rater_id)
