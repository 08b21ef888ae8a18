"""Access to questions: who may see and who may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from pathviewer.api import user_messages
from pathviewer.auth.identity import Forbidden, require
from pathviewer.auth.roles import SEES_ALL, Action, allows
from pathviewer.questions.errors import QuestionNotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot


async def find_visible_question(request: Request, questions: QuestionService) -> QuestionSnapshot:
    """Return the path's question for its author, assigned raters and roles that see all.

    Raises Forbidden, QuestionNotFound, QuestionRefused, StorageError.
    """
    snapshot, is_own = await _find_question(request, questions)
    if not is_own and require(request.scope, Action.ask).role not in SEES_ALL:
        raise QuestionNotFound(user_messages.NO_OWN_QUESTION)
    return snapshot


async def find_changeable_question(
    request: Request, questions: QuestionService
) -> QuestionSnapshot:
    """Return the path's question, to stop or check it.

    As `find_visible_question`, but of the roles that see all questions only administrators may
    change others'. Raises Forbidden, QuestionNotFound, QuestionRefused, StorageError.
    """
    snapshot, is_own = await _find_question(request, questions)
    role = require(request.scope, Action.ask).role
    if not is_own and role not in SEES_ALL:
        raise QuestionNotFound(user_messages.NO_OWN_QUESTION)
    if not is_own and not allows(role, Action.administer):
        raise Forbidden(user_messages.CHANGE_FORBIDDEN)
    return snapshot


async def _find_question(
    request: Request, questions: QuestionService
) -> tuple[QuestionSnapshot, bool]:
    """Return the path's question, and whether the account asked it or has an assignment."""
    identity = require(request.scope, Action.ask)
    snapshot = await run_in_threadpool(questions.find, request.path_params["reading_id"])
    assigned = await run_in_threadpool(
        questions.store.is_assigned,
        snapshot.record.id,
        identity.account_id,
        judges_all=identity.judges_all,
    )
    return snapshot, assigned or identity.account_id == snapshot.record.account_id
