"""Whether a vote was cast without knowing who wrote the answers."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_
from sqlalchemy.orm import aliased

from storage.tables import Feedback


def names_known() -> ColumnElement[bool]:
    """Of rows of feedback that are votes: whether the rater may have known the models' names.

    He had judged one of the two answers by itself before, where the name stands, or took his vote
    on the pair back after he was told the names, and this one takes its place.
    """
    earlier, former = aliased(Feedback), aliased(Feedback)
    both = (Feedback.completion_id, Feedback.other_completion_id)
    judged = exists().where(
        earlier.completion_id.in_(both),
        earlier.rater_id == Feedback.rater_id,
        earlier.kind != "preference",
        earlier.created_at < Feedback.created_at,
    )
    undone = exists().where(former.id == Feedback.supersedes_id, former.choice == "undone")
    return or_(judged, undone)
