"""Whose readings may be seen, and acted on, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from pathviewer.auth.identity import Forbidden, require
from pathviewer.auth.roles import SEES_ALL, Action, allows
from pathviewer.questions.errors import QuestionNotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot


async def find_visible_question(request: Request, questions: QuestionService) -> QuestionSnapshot:
    """The reading of a request's path, for its author, for those who may see all, and for whoever
    was given it by a worklist.

    Raises Forbidden, ReadingNotFound, ReadingRefused, StorageError.
    """
    snapshot, is_own = await _find_question(request, questions)
    if not is_own and require(request.scope, Action.ask).role not in SEES_ALL:
        raise QuestionNotFound("There is no such reading among yours.")
    return snapshot


async def find_changeable_question(
    request: Request, questions: QuestionService
) -> QuestionSnapshot:
    """The reading of a request's path, to stop it or to add to it: as `own_reading`, but to see
    others' readings is not to act on them, which only administrators may.

    Raises Forbidden, ReadingNotFound, ReadingRefused, StorageError.
    """
    snapshot, is_own = await _find_question(request, questions)
    role = require(request.scope, Action.ask).role
    if not is_own and role not in SEES_ALL:
        raise QuestionNotFound("There is no such reading among yours.")
    if not is_own and not allows(role, Action.administer):
        raise Forbidden(
            "You may see this question, but only its author, a rater it was given to or an "
            "administrator may stop or check it. Ask it again to have one of your own."
        )
    return snapshot


async def _find_question(
    request: Request, questions: QuestionService
) -> tuple[QuestionSnapshot, bool]:
    """The reading of a request's path, and whether the account asked it or was given it."""
    identity = require(request.scope, Action.ask)
    snapshot = await run_in_threadpool(questions.find, request.path_params["reading_id"])
    assigned = await run_in_threadpool(
        questions.store.is_assigned,
        snapshot.record.id,
        identity.account_id,
        judges_all=identity.judges_all,
    )
    return snapshot, assigned or identity.account_id == snapshot.record.account_id
