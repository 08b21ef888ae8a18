"""Printable report of a worklist: a cover with counts, then every item with its feedback.

Blinding applies: items that the viewer has not judged yet come without others' feedback and
without the reference and, if the viewer's own answer comes first, without completions.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from sqlalchemy.orm import Session

from models.reasoning.trace import parse
from models.reward import EVENTS
from pathviewer.common.plural import format_count
from pathviewer.feedback.vocabulary import confidence_text, spoken
from pathviewer.insights.data_source import rater_name
from pathviewer.questions.errors import QuestionNotFound
from pathviewer.questions.report import (
    collect_maps,
    describe_answer,
    provenance_rows,
    scale_bar,
    small_map_facts,
)
from pathviewer.questions.snapshot import QuestionSnapshot
from pathviewer.questions.store import QuestionStore
from pathviewer.slides.slide_identity import identity_text
from pathviewer.worklists import user_messages
from storage.blinding.policy import Content, Viewer
from storage.blinding.state import QuestionState, load_question_state
from storage.database import Database
from storage.feedback.store import FeedbackRecord, list_current_feedback
from storage.questions.records import CompletionRecord, QuestionRecord
from storage.questions.store import list_completions
from storage.tables import now
from storage.worklists.item_assignment import list_assignments
from storage.worklists.records import AssignmentRecord, ItemRecord, WorklistRecord
from storage.worklists.store import find_worklist, list_items


@dataclass(frozen=True)
class VisibleItem:
    """What the report shows of an item."""

    note: str | None
    """What the viewer must do to see all of it; None if all is visible."""
    shows_answers: bool = False
    """Whether its completions are visible."""
    shows_reference: bool = False
    """Whether the reference is visible."""
    first_answers: Sequence[AssignmentRecord] = ()
    """Assignments whose first answer is visible."""
    feedback: Sequence[FeedbackRecord] = ()
    """Visible feedback, without votes."""


class WorklistReport:
    """Values of the report's template; items are loaded one by one."""

    def __init__(
        self,
        database: Database,
        store: QuestionStore,
        slide_name: Callable[[str], str],
        viewer: Viewer,
        worklist_id: str,
    ) -> None:
        """Raises RecordNotFoundError."""
        self._database = database
        self._store = store
        self._slide_name = slide_name
        self._viewer = viewer
        with database.read_only() as session:
            self._worklist = find_worklist(session, worklist_id)
            self._items = list_items(session, self._worklist.id)
            self._assignments = list_assignments(session, self._worklist.id)

    def slides(self) -> list[str]:
        """Return the ids of the slides whose regions the report shows, each once."""
        return list(dict.fromkeys(item.slide_id for item in self._items if item.question_id))

    def facts(self) -> dict[str, Any]:
        """Return the template's values; `items` is an iterator."""
        with self._database.read_only() as session:
            visible = [self._find_visible(session, item) for item in self._items]
        return {
            "name": self._worklist.name,
            "at": now(),
            "counts": self._counts(visible),
            "kept_back": self._blinding_summary(visible),
            "items": self._item_facts(),
        }

    def _counts(self, visible: Sequence[VisibleItem]) -> list[tuple[str, str]]:
        ended = [turn for turn in self._assignments if turn.ended_at]
        rated = [turn for turn in ended if not turn.skipped]
        feedback = (each for item in visible for each in item.feedback)
        verdicts = Counter(each.verdict for each in feedback if each.kind == "verdict")
        rows = {
            "Items": str(len(self._items)),
            "With answers": str(sum(item.question_id is not None for item in self._items)),
            "Raters": str(len({turn.rater_id for turn in rated})),
            "Judged, without repeats": str(sum(not turn.round for turn in rated)),
            "Repeats after the washout": str(sum(turn.round > 0 for turn in rated)),
            "Skipped": str(len(ended) - len(rated)),
            "Verdicts shown here": "; ".join(
                f"{count} {spoken(str(verdict))}" for verdict, count in verdicts.most_common()
            )
            or "none",
            "Rules": describe_rules(self._worklist),
        }
        return list(rows.items())

    def _blinding_summary(self, visible: Sequence[VisibleItem]) -> str:
        blinded_count = sum(item.note is not None for item in visible)
        if not blinded_count:
            return ""
        items = format_count(len(self._items), "item")
        return user_messages.items_blinded(blinded_count, items)

    def _slide_text(self, item: ItemRecord, snapshot: QuestionSnapshot | None) -> str:
        """Return the slide's identity when the item was generated, else its alias."""
        identity = None if snapshot is None else snapshot.record.slide_identity
        return identity_text(identity, report=True) or self._slide_name(item.slide_id)

    def _item_facts(self) -> Iterator[dict[str, Any]]:
        for number, item in enumerate(self._items, 1):
            with self._database.read_only() as session:
                seen = self._find_visible(session, item)
            snapshot = self._store.find(item.question_id) if item.question_id else None
            pixels = self._load_picture(snapshot)
            visible = snapshot if snapshot and seen.shows_answers else None
            yield {
                "number": number,
                "slide": self._slide_text(item, snapshot),
                "box": item,
                "question": item.question,
                "options": item.options,
                "made": snapshot is not None,
                "picture": None if pixels is None else _jpeg_uri(pixels),
                "bar": scale_bar(pixels.width, snapshot.record.mpp)
                if pixels and snapshot
                else None,
                "reference": item.reference_answer if seen.shows_reference else None,
                "note": seen.note,
                "first": [_first_answer(each) for each in seen.first_answers],
                "answers": self._completions_facts(visible, pixels, seen) if visible else [],
                "provenance": provenance_rows(visible) if visible else [],
            }

    def _completions_facts(
        self,
        snapshot: QuestionSnapshot,
        pixels: Image.Image | None,
        seen: VisibleItem,
    ) -> list[dict[str, Any]]:
        """Return the completions' values, with maps if they and the picture are stored."""
        maps = collect_maps(
            snapshot,
            lambda index: self._store.find_evidence(snapshot, index),
            lambda index: self._store.find_attention(snapshot, index),
        )
        facts = []
        for completion in snapshot.completions:
            small_maps = {
                name: small_map_facts(pixels, each)
                for name, each in maps.get(completion.index, {}).items()
                if pixels
            }
            facts.append(_completion_facts(completion, snapshot.record, small_maps, seen))
        return facts

    def _find_visible(self, session: Session, item: ItemRecord) -> VisibleItem:
        """Return what the policy of blinding shows the viewer of an item."""
        if item.question_id is None:
            return VisibleItem(user_messages.ANSWERS_NOT_GENERATED)
        access = load_question_state(session, item.question_id, self._viewer)
        answers = access.decide(Content.answers)
        if not answers.is_visible:
            return VisibleItem(answers.refusal)
        ids = [each.id for each in list_completions(session, [item.question_id])]
        visible = [
            each
            for each in list_current_feedback(session, ids)
            if each.kind != "preference"
            and (
                access.shows_own(Content.own_feedback, each.created_at)
                if each.rater_id == self._viewer.account_id
                else access.decide(Content.feedback, each.completion_id).is_visible
            )
        ]
        reference = access.decide(Content.reference)
        first_answers = access.decide(Content.first_answers)
        return VisibleItem(
            note=first_answers.refusal or None,
            shows_answers=True,
            shows_reference=reference.is_visible,
            first_answers=self._visible_first_answers(item, access),
            feedback=visible,
        )

    def _visible_first_answers(
        self, item: ItemRecord, access: QuestionState
    ) -> list[AssignmentRecord]:
        """Return the item's assignments with a first answer that the viewer may see.

        Without others' answers, the viewer's own are not shown either.
        """
        if not access.decide(Content.first_answers).is_visible:
            return []
        return [
            each
            for each in self._assignments
            if each.item_id == item.id
            and each.first_answer is not None
            and (
                each.rater_id != self._viewer.account_id
                or access.shows_own(Content.own_first_answer, each.started_at)
            )
        ]

    def _load_picture(self, snapshot: QuestionSnapshot | None) -> Image.Image | None:
        """Return the picture that the model saw; None if it is not stored."""
        if snapshot is None:
            return None
        try:
            return Image.open(io.BytesIO(self._store.load_picture(snapshot.record))).convert("RGB")
        except QuestionNotFound:
            return None


def _jpeg_uri(pixels: Image.Image) -> str:
    """Encode a picture as a JPEG data URI; a report can hold hundreds."""
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def _first_answer(assignment: AssignmentRecord) -> tuple[str, str | None, int | None]:
    """Return who gave a first answer, the answer and its confidence."""
    rater = f"{rater_name(assignment.rater_id)}{describe_repeat(assignment)}"
    return rater, assignment.first_answer, assignment.first_confidence


def _completion_facts(
    completion: CompletionRecord,
    question: QuestionRecord,
    maps: Mapping[str, dict[str, str | None] | None],
    seen: VisibleItem,
) -> dict[str, Any]:
    trace = parse(completion.text)
    about = [each for each in seen.feedback if each.completion_id == completion.id]
    raters = dict.fromkeys(each.rater_id for each in about)
    return {
        "number": completion.index + 1,
        "model": question.model,
        "answer": describe_answer(trace.answer, question.options),
        "steps": [
            {"text": completion.text[step.start : step.stop], "map": maps.get(f"step {place + 1}")}
            for place, step in enumerate(trace.steps)
        ],
        "map": maps.get("answer"),
        "raters": [
            _rater_facts(rater_id, [each for each in about if each.rater_id == rater_id])
            for rater_id in raters
        ],
        "nobody": user_messages.NO_FEEDBACK if seen.note is None else "",
    }


def _rater_facts(rater_id: str, feedback: Sequence[FeedbackRecord]) -> dict[str, Any]:
    """Describe one rater's feedback on one completion."""
    by_kind = {each.kind: each for each in feedback}
    verdict, labels = by_kind.get("verdict"), by_kind.get("labels")
    flags = [] if labels is None else [EVENTS[event] for event in labels.absences or ()]
    for step in (labels.steps or ()) if labels else ():
        quote = f" “{step['quote']}”" if step.get("quote") else ""
        flags += [f"Step {step['step'] + 1}: {EVENTS[event]}{quote}" for event in step["events"]]
    edited = by_kind.get("edited_trace")
    steps = (edited.edited_steps or ()) if edited else ()
    rewritten = [
        f"Step {edit['step'] + 1} "
        + ("struck out" if edit["text"] is None else f"rewritten: {edit['text']}")
        for edit in steps
    ]
    comments = [each.comment for each in feedback if each.comment]
    return {
        "name": rater_name(rater_id),
        "verdict": None if verdict is None else _describe_verdict(verdict),
        "flags": flags,
        "said": rewritten + comments,
    }


def _describe_verdict(feedback: FeedbackRecord) -> str:
    parts = [spoken(str(feedback.verdict))]
    if feedback.confidence:
        parts.append(confidence_text(feedback.confidence))
    if feedback.corrected_answer:
        parts.append(f"right is: {feedback.corrected_answer}")
    return ", ".join(parts)


def describe_repeat(assignment: AssignmentRecord) -> str:
    """Return a suffix for repeat assignments."""
    return ", repeat" if assignment.round else ""


def describe_rules(worklist: WorklistRecord) -> str:
    """Describe the worklist's assignment rules."""
    parts = [
        "blind first" if worklist.blind else "not blind",
        *(["for teaching"] if worklist.teaching else []),
        f"{worklist.overlap:.0%} of the items to every rater",
        f"{worklist.repeats:.0%} of a rater's items repeated",
    ]
    return ", ".join(parts)
