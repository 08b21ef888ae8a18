"""What somebody may not be told of yet, since he has still to judge it himself."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from storage.tables import Completion, Feedback, WorklistItem, WorklistTurn


def withheld_from(viewer_id: str) -> Select[str | None]:
    """Readings on worklists that somebody takes part in, and that he has not judged."""
    turn, item, asked = aliased(WorklistTurn), aliased(WorklistItem), aliased(WorklistItem)
    lists = select(item.worklist_id).join(turn, turn.item_id == item.id)
    said, judged = aliased(Feedback), aliased(Completion)
    own = said.rater_id == viewer_id
    about = select(said.completion_id).where(own, said.kind.in_(("verdict", "preference")))
    compared = select(said.other_completion_id).where(own, said.kind == "preference")
    his_own = select(judged.reading_id).where(judged.id.in_(about.union(compared)))
    return select(asked.reading_id).where(
        asked.reading_id.is_not(None),
        asked.worklist_id.in_(lists.where(turn.rater_id == viewer_id)),
        asked.reading_id.not_in(his_own),
    )
