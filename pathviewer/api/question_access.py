"""Access to questions: who may see and who may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from pathviewer.api import user_messages
from pathviewer.auth.identity import Forbidden
from pathviewer.auth.roles import SEES_ALL, Action, allows
from pathviewer.questions.errors import QuestionNotFound

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot


async def find_visible_question(
    caller: Identity, question_id: str, questions: QuestionService
) -> QuestionSnapshot:
    """Return a question for its author, assigned raters and roles that see all.

    Raises QuestionNotFound, QuestionRefused, StorageError.
    """
    snapshot, is_own = await _find_question(caller, question_id, questions)
    if not is_own and caller.role not in SEES_ALL:
        raise QuestionNotFound(user_messages.NO_OWN_QUESTION)
    return snapshot


async def find_changeable_question(
    caller: Identity, question_id: str, questions: QuestionService
) -> QuestionSnapshot:
    """Return a question, to stop or check it.

    As `find_visible_question`, but of the roles that see all questions only administrators may
    change others'. Raises Forbidden, QuestionNotFound, QuestionRefused, StorageError.
    """
    snapshot, is_own = await _find_question(caller, question_id, questions)
    if not is_own and caller.role not in SEES_ALL:
        raise QuestionNotFound(user_messages.NO_OWN_QUESTION)
    if not is_own and not allows(caller.role, Action.administer):
        raise Forbidden(user_messages.CHANGE_FORBIDDEN)
    return snapshot


async def _find_question(
    caller: Identity, question_id: str, questions: QuestionService
) -> tuple[QuestionSnapshot, bool]:
    """Return a question, and whether the caller asked it or has an assignment."""
    snapshot = await run_in_threadpool(questions.find, question_id)
    assigned = await run_in_threadpool(
        questions.store.is_assigned,
        snapshot.record.id,
        caller.account_id,
        judges_all=caller.judges_all,
    )
    return snapshot, assigned or caller.account_id == snapshot.record.account_id
