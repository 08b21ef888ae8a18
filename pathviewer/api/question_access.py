"""Access to questions: who may see and who may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.api import user_messages
from pathviewer.auth.identity import Forbidden
from pathviewer.auth.roles import Action, allows
from pathviewer.common.work_queue import READS
from pathviewer.questions.blinding import require_visible
from storage.blinding.policy import Content

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.questions.service import QuestionService
    from pathviewer.questions.snapshot import QuestionSnapshot
    from storage.blinding.state import QuestionState


async def find_visible_question(
    caller: Identity, question_id: str, questions: QuestionService
) -> QuestionSnapshot:
    """Return a question that the policy of blinding shows to the caller.

    Raises QuestionNotFound, QuestionRefused, StorageError.
    """
    snapshot, _ = await _find_question(caller, question_id, questions)
    return snapshot


async def find_changeable_question(
    caller: Identity, question_id: str, questions: QuestionService
) -> QuestionSnapshot:
    """Return a question, to stop or check it.

    As `find_visible_question`, but only those who take part in it and administrators may change it.
    Raises Forbidden, QuestionNotFound, QuestionRefused, StorageError.
    """
    snapshot, state = await _find_question(caller, question_id, questions)
    if not state.state.takes_part and not allows(caller.role, Action.administer):
        raise Forbidden(user_messages.CHANGE_FORBIDDEN)
    return snapshot


async def _find_question(
    caller: Identity, question_id: str, questions: QuestionService
) -> tuple[QuestionSnapshot, QuestionState]:
    def find() -> tuple[QuestionSnapshot, QuestionState]:
        snapshot = questions.find(question_id)
        return snapshot, questions.store.load_state(snapshot.record.id, caller.viewer)

    snapshot, state = await READS.run(find, caller.bound_key)
    require_visible(state.decide(Content.question))
    return snapshot, state
