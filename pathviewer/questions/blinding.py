"""Refusal of what the policy of blinding hides."""

from __future__ import annotations

from pathviewer.questions.errors import QuestionConflict, QuestionNotFound
from storage.blinding.policy import Access, Decision


def require_visible(decision: Decision, missing: str | None = None) -> None:
    """Return if the content is visible.

    Raises QuestionNotFound, with the sentence `missing` if given, for hidden content, and
    QuestionConflict while the viewer must do something first.
    """
    if decision.is_visible:
        return
    if decision.access is Access.hidden:
        raise QuestionNotFound(missing or decision.refusal)
    raise QuestionConflict(decision.refusal)
