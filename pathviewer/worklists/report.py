"""A worklist as one page to print: a cover with counts, then every item with what was said of it.

What the reader has still to judge himself is not told: neither what others said, nor the reference,
nor, where his own answer comes first, what the model said.
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

from models.process_score import EVENTS
from models.reasoning.trace import parse
from pathviewer.attention.map_json import shown_maps
from pathviewer.common.plural import counted
from pathviewer.insights.data_source import rater_name
from pathviewer.questions.blinding import handed_out
from pathviewer.questions.errors import ReadingNotFound, ReadingRefused
from pathviewer.questions.report import named, provenance, scale_bar, seen_of, small_map
from pathviewer.questions.snapshot import WholeReading
from pathviewer.questions.store import KeptReadings
from pathviewer.slides.slide_identity import identity_text
from storage.blinding.visible_feedback import judged_by
from storage.database import Database
from storage.feedback.store import FeedbackRecord, current_feedback
from storage.questions.records import CompletionRecord, ReadingRecord
from storage.questions.store import list_completions
from storage.tables import now
from storage.worklists.item_assignment import list_turns, repeat_began
from storage.worklists.records import ItemRecord, TurnRecord, WorklistRecord
from storage.worklists.store import find_worklist, list_items

NOT_MADE = "Its answers are not made yet."
ANSWER_FIRST = "Your own answer comes first: what the model said is shown after it."
JUDGE_FIRST = "You have not judged it: what others said, and what is right, is shown after that."


@dataclass(frozen=True)
class Reader:
    """Whose eyes the page is for."""

    account_id: str
    """The account."""
    rater: bool
    """Whether the account judges; one that does not is told everything."""


class WorklistReport:
    """The values of the page's template; items are looked up one after the other."""

    def __init__(
        self,
        database: Database,
        keep: KeptReadings,
        slide_name: Callable[[str], str],
        reader: Reader,
        worklist_id: str,
    ) -> None:
        """Raises RecordNotFoundError."""
        self._database = database
        self._keep = keep
        self._slide_name = slide_name
        self._reader = reader
        with database.reading() as session:
            self._list = find_worklist(session, worklist_id)
            self._items = list_items(session, self._list.id)
            self._turns = list_turns(session, self._list.id)
            self._judged = set(session.scalars(judged_by(reader.account_id)))

    def slides(self) -> list[str]:
        """Ids of the slides of which the page shows a region, each once."""
        return list(dict.fromkeys(item.slide_id for item in self._items if item.reading_id))

    def facts(self) -> dict[str, Any]:
        """What the template shows; `items` is an iterator."""
        return {
            "name": self._list.name,
            "at": now(),
            "counts": self._counts(),
            "kept_back": self._kept_back(),
            "items": self._each(),
        }

    def _counts(self) -> list[tuple[str, str]]:
        with self._database.reading() as session:
            said = [each for item in self._items for each in self._said(session, item)[1]]
        ended = [turn for turn in self._turns if turn.ended_at]
        judged = [turn for turn in ended if not turn.skipped]
        verdicts = Counter(each.verdict for each in said if each.kind == "verdict")
        rows = {
            "Items": str(len(self._items)),
            "With answers made": str(sum(item.reading_id is not None for item in self._items)),
            "Raters": str(len({turn.rater_id for turn in judged})),
            "Judged, repeats left out": str(sum(not turn.round for turn in judged)),
            "Repeats after the washout": str(sum(turn.round > 0 for turn in judged)),
            "Skipped": str(len(ended) - len(judged)),
            "Verdicts told here": "; ".join(
                f"{count} {word(verdict)}" for verdict, count in verdicts.most_common()
            )
            or "none",
            "Rules": rules(self._list),
        }
        return list(rows.items())

    def _kept_back(self) -> str:
        with self._database.reading() as session:
            back = sum(self._open(session, item) is not None for item in self._items)
        if not back:
            return ""
        return f"Told in part only: {back} of {counted(len(self._items), 'item')}; each says why."

    def _slide(self, item: ItemRecord, whole: WholeReading | None) -> str:
        """What the slide could be told by when its answers were made, else its alias."""
        kept = None if whole is None else whole.record.slide_identity
        return identity_text(kept, report=True) or self._slide_name(item.slide_id)

    def _each(self) -> Iterator[dict[str, Any]]:
        for number, item in enumerate(self._items, 1):
            with self._database.reading() as session:
                note, said = self._said(session, item)
            whole = self._keep.find(item.reading_id) if item.reading_id else None
            pixels = self._pixels(whole)
            shown = whole if whole and note != ANSWER_FIRST else None
            yield {
                "number": number,
                "slide": self._slide(item, whole),
                "box": item,
                "question": item.question,
                "options": item.options,
                "made": whole is not None,
                "picture": None if pixels is None else _jpeg(pixels),
                "bar": scale_bar(pixels.width, whole.record.mpp) if pixels and whole else None,
                "reference": item.reference_answer if note is None else None,
                "note": note,
                "first": [] if note else self._first(item),
                "answers": self._answers(shown, pixels, said, note) if shown else [],
                "provenance": provenance(shown) if shown else [],
            }

    def _answers(
        self,
        whole: WholeReading,
        pixels: Image.Image | None,
        said: Sequence[FeedbackRecord],
        note: str | None,
    ) -> list[dict[str, Any]]:
        """Each answer with where it looked, as far as picture and attention are kept."""
        seen = seen_of(whole, lambda index: self._keep.seen(whole, index)) if pixels else {}
        found = []
        for one in whole.completions:
            maps = dict(shown_maps(seen[one.index])) if one.index in seen else {}
            drawn = {name: small_map(pixels, each) for name, each in maps.items() if pixels}
            found.append(_answer(one, whole.record, drawn, said, note))
        return found

    def _said(self, session: Session, item: ItemRecord) -> tuple[str | None, list[FeedbackRecord]]:
        """Why an item is told in part only, and what was said of it that may be told."""
        note = self._open(session, item)
        if item.reading_id is None or note == ANSWER_FIRST:
            return note, []
        ids = [each.id for each in list_completions(session, [item.reading_id])]
        if self._reader.rater and repeat_began(session, item.reading_id, self._reader.account_id):
            return note, []  # not even his own: he judges it afresh
        told = [
            each
            for each in current_feedback(session, ids)
            if not self._reader.rater
            or each.rater_id == self._reader.account_id
            or each.completion_id in self._judged
        ]
        return note, [each for each in told if each.kind != "preference"]

    def _open(self, session: Session, item: ItemRecord) -> str | None:
        """What the reader has still to do before he is told all of an item."""
        if item.reading_id is None:
            return NOT_MADE
        if not self._reader.rater:
            return None
        try:
            handed_out(session, item.reading_id, self._reader.account_id, judges_all=True)
        except ReadingRefused:
            return ANSWER_FIRST
        ids = {each.id for each in list_completions(session, [item.reading_id])}
        afresh = repeat_began(session, item.reading_id, self._reader.account_id)
        return None if ids <= self._judged and afresh is None else JUDGE_FIRST

    def _first(self, item: ItemRecord) -> list[tuple[str, str, int | None]]:
        return [
            (f"{rater_name(turn.rater_id)}{again(turn)}", turn.first_answer, turn.first_confidence)
            for turn in self._turns
            if turn.item_id == item.id and turn.first_answer is not None
        ]

    def _pixels(self, whole: WholeReading | None) -> Image.Image | None:
        """The region as the model saw it; None where that is not kept."""
        if whole is None:
            return None
        try:
            return Image.open(io.BytesIO(self._keep.picture(whole.record))).convert("RGB")
        except ReadingNotFound:
            return None


def _jpeg(pixels: Image.Image) -> str:
    """A picture within the page, small since hundreds of them lie there."""
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def _answer(
    one: CompletionRecord,
    reading: ReadingRecord,
    maps: Mapping[str, dict[str, str | None] | None],
    said: Sequence[FeedbackRecord],
    note: str | None,
) -> dict[str, Any]:
    trace = parse(one.text)
    about = [each for each in said if each.completion_id == one.id]
    raters = dict.fromkeys(each.rater_id for each in about)
    return {
        "number": one.index + 1,
        "model": reading.model,
        "answer": named(trace.answer, reading.options),
        "steps": [
            {"text": one.text[step.start : step.stop], "map": maps.get(f"step {place + 1}")}
            for place, step in enumerate(trace.steps)
        ],
        "map": maps.get("answer"),
        "raters": [_rater(who, [each for each in about if each.rater_id == who]) for who in raters],
        "nobody": "Nobody has judged it yet." if note is None else "",
    }


def _rater(rater_id: str, said: Sequence[FeedbackRecord]) -> dict[str, Any]:
    """What one rater said of one answer, in words."""
    by_kind = {each.kind: each for each in said}
    verdict, labels = by_kind.get("verdict"), by_kind.get("labels")
    flags = [] if labels is None else [EVENTS[event] for event in labels.absences or ()]
    for step in (labels.steps or ()) if labels else ():
        quote = f" “{step['quote']}”" if step.get("quote") else ""
        flags += [f"Step {step['step'] + 1}: {EVENTS[event]}{quote}" for event in step["events"]]
    edited = by_kind.get("edited_trace")
    steps = (edited.edited_steps or ()) if edited else ()
    rewritten = [
        f"Step {one['step'] + 1} "
        + ("struck out" if one["text"] is None else f"rewritten: {one['text']}")
        for one in steps
    ]
    comments = [each.comment for each in said if each.comment]
    return {
        "name": rater_name(rater_id),
        "verdict": None if verdict is None else _verdict(verdict),
        "flags": flags,
        "said": rewritten + comments,
    }


def _verdict(one: FeedbackRecord) -> str:
    parts = [word(one.verdict)]
    if one.confidence:
        parts.append(f"sure {one.confidence} of 5")
    if one.corrected_answer:
        parts.append(f"right is: {one.corrected_answer}")
    return ", ".join(parts)


def word(verdict: str | None) -> str:
    """A verdict as it is read."""
    return (verdict or "").replace("_", " ")


def again(turn: TurnRecord) -> str:
    """Which of a rater's turns it was."""
    return ", once more" if turn.round else ""


def rules(worklist: WorklistRecord) -> str:
    """How the list hands its items out."""
    told = [
        "blind first" if worklist.blind else "not blind",
        *(["to teach with"] if worklist.teaching else []),
        f"{worklist.overlap:.0%} of the items to every rater",
        f"{worklist.repeats:.0%} of them once more",
    ]
    return ", ".join(told)
