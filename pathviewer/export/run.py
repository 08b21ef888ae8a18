"""The export pipeline: read feedback, decide, write, verify and describe."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from models.control_tokens import spread_control_tokens
from pathviewer.common.atomic_folder import new_folder
from pathviewer.common.pseudonym import pseudonym
from pathviewer.export import preference_format, user_messages
from pathviewer.export.card import write_card
from pathviewer.export.claims import ANSWER_COLUMNS, STEP_COLUMNS, load_tests
from pathviewer.export.columns import user_message
from pathviewer.export.consensus import Decision, decide, in_conflict
from pathviewer.export.control_token_check import has_control_token
from pathviewer.export.errors import ExportError
from pathviewer.export.evidence import evidence
from pathviewer.export.formats import ExportItem, rater_name
from pathviewer.export.licence_terms import all_allow, authors_of, terms_of
from pathviewer.export.manifest import prove, write_manifest
from pathviewer.export.parquet import SplitFiles
from pathviewer.export.plan import ExportPlan, ExportTally
from pathviewer.export.splits import Groups, group_slides
from storage.accounts.consents import list_consenting_accounts
from storage.database import Database
from storage.export_groups import list_tissue_keys
from storage.export_rows import (
    ExportedQuestion,
    count_questions_without_picture,
    count_selected_questions,
    stream_selected_questions,
)

CONFLICTS = "adjudication.jsonl"
"""File of the items with contradicting raters."""


class Pixels(Protocol):
    """Store of pictures."""

    def get(self, sha256: str) -> bytes:
        """Return the file with that hash."""


def export(
    database: Database,
    pixels: Pixels,
    plan: ExportPlan,
    out: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    private: bool = False,
) -> ExportTally:
    """Write the folder `out`; the same database and plan give the same bytes.

    `progress` receives the numbers of processed and of all questions; `private` restricts the
    folder to its owner. Raises ExportError, FolderError and StorageError; `out` then does not
    exist.
    """
    tally = ExportTally()
    with database.read_filtered() as session, new_folder(out, private=private) as folder:
        total = count_selected_questions(session, plan.selection)
        tally.missing_pictures = count_questions_without_picture(session, plan.selection)
        if plan.licence:
            tally.consenting_raters = {
                rater_name(each) for each in list_consenting_accounts(session, plan.licence)
            }
        groups = group_slides(list_tissue_keys(session), plan.shares)
        questions = stream_selected_questions(session, plan.selection)
        tracked_questions = _track_progress(questions, total, progress)
        _write(folder, tracked_questions, _ExportState(plan, pixels, groups, tally))
        if not sum(tally.rows.values()):
            raise ExportError(_no_rows_sentence(plan, tally))
        prove(folder, tally)
        write_card(folder, plan, tally)
        tally.sha256 = write_manifest(folder, plan, tally)
    return tally


def _track_progress(
    questions: Iterator[ExportedQuestion], total: int, progress: Callable[[int, int], None]
) -> Iterator[ExportedQuestion]:
    for number, question in enumerate(questions, 1):
        yield question
        progress(number, total)


class _ExportState:
    """Shared state of one export."""

    def __init__(
        self, plan: ExportPlan, pixels: Pixels, groups: Groups, tally: ExportTally
    ) -> None:
        self.plan, self.pixels, self.groups, self.tally = plan, pixels, groups, tally


def _write(folder: Path, questions: Iterator[ExportedQuestion], work: _ExportState) -> None:
    plan, tally = work.plan, work.tally
    path = folder / CONFLICTS
    with SplitFiles(folder, plan.columns) as files, path.open("w", encoding="utf-8") as queue:
        for question in questions:
            tally.questions += 1
            newest = max(each.created_at for each in question.feedback)
            tally.last_feedback_at = max(
                tally.last_feedback_at, newest.isoformat(timespec="seconds")
            )
            if plan.format is preference_format.FORMAT:
                tally.names_known += sum(each.names_known for each in question.feedback)
            for item in plan.format.list_items(question):
                decisions = decide(item.opinions, plan.rule)
                _count(tally, item, decisions)
                if in_conflict(item.opinions):
                    queue.write(_conflict(question, item, decisions))
                    tally.completion_ids |= question.completions.keys()
                for each in decisions:
                    _add(files, question, item, each, work)
    if not tally.conflicts:
        path.unlink()


def _add(
    files: SplitFiles,
    question: ExportedQuestion,
    item: ExportItem,
    decision: Decision,
    work: _ExportState,
) -> None:
    group = work.groups.group_of[question.slide_id]
    split = work.groups.split_of[group]
    picture, about = work.pixels.get(question.pixels_sha256), _about(question, item)
    row = item.make_row(decision.value) | _common(question, group, picture)
    row |= {"raters": list(decision.raters), "voters": len(item.opinions)}
    terms = {each: terms_of(each) for each in authors_of(question, item)}
    row["train_allowed"] = all_allow(terms.values())
    row |= evidence(question, about, decision.raters, picture) | _claims(question, row, work)
    if work.plan.comments:
        row["comments"] = _comments(question, about, decision)
    tally = work.tally
    if has_control_token(row):
        tally.with_control_token += 1
        return
    files.add(split, row)
    tally.rows[split] += 1
    tally.completion_ids |= about & question.completions.keys()
    tally.with_evidence += bool(row["evidence"])
    tally.raters |= set(decision.raters)
    for author, terms_of_author in terms.items():
        tally.models.setdefault(author.model, set()).add(terms_of_author)
    tally.groups.setdefault(split, set()).add(group)
    tally.pictures.setdefault(split, set()).add(question.pixels_sha256)


def _common(question: ExportedQuestion, group: str, picture: bytes) -> dict[str, Any]:
    sides = {side: getattr(question, side) for side in ("x", "y", "width", "height", "mpp")}
    scale, colours = question.scale or {}, question.colours or {}
    return sides | {
        "mpp_source": scale.get("source"),
        "slide_mpp_x": scale.get("x"),
        "slide_mpp_y": scale.get("y"),
        "colour_profile": colours.get("profile"),
        "colours_corrected": colours.get("corrected"),
        "pixel_note": colours.get("pixel_note"),
        "prompt": user_message(question.prompt, question.system),
        "images": [{"bytes": picture, "path": None}],
        "item_id": question.id,
        "question": spread_control_tokens(question.question),  # as it stands in the prompt
        "options": [spread_control_tokens(option) for option in question.options],
        "question_type": question.task,
        "group_id": group,
        "slide": pseudonym("slide", question.slide_id),
        "model": question.model,
        "model_revision": question.model_revision,
    }


def _claims(question: ExportedQuestion, row: dict[str, Any], work: _ExportState) -> dict[str, Any]:
    """Return what the row's completion depends on, in the columns that the format has for it."""
    columns = work.plan.format.columns
    if ANSWER_COLUMNS[0] not in columns:
        return {}
    tests = load_tests(question, row["completion_id"], work.pixels.get)
    steps = tests.step_columns(len(row["completions"])) if STEP_COLUMNS[0] in columns else {}
    return tests.answer_columns() | steps


def _about(question: ExportedQuestion, item: ExportItem) -> set[str]:
    """Return the ids of an item's completions."""
    return set(item.ids) | ({*question.completions} if question.id in item.ids else set())


def _comments(question: ExportedQuestion, about: set[str], decision: Decision) -> list[str]:
    """Return free text of the row's raters on its completions, in order of raters."""
    return [
        spread_control_tokens(each.comment)
        for rater in decision.raters
        for each in question.feedback
        if each.comment and rater_name(each.rater_id) == rater and each.completion_id in about
    ]


def _count(tally: ExportTally, item: ExportItem, decisions: list[Decision]) -> None:
    tally.items += 1
    tally.conflicts += in_conflict(item.opinions)
    deciding_raters = {rater for each in decisions for rater in each.raters}
    for vote in item.opinions:
        tally.outcomes[vote.outcome] += 1
        if vote.rater not in deciding_raters:
            why = (
                vote.outcome
                if vote.value is None
                else "others agreed on something else, or too few"
            )
            tally.without_row[why] += 1
    tally.undecided += not decisions and any(vote.value is not None for vote in item.opinions)


def _conflict(question: ExportedQuestion, item: ExportItem, decisions: list[Decision]) -> str:
    """Format an item in conflict as a JSON line: contents and votes."""
    content = {
        "item_id": question.id,
        "about": list(item.ids),
        "question": question.question,
        "options": list(question.options),
        "completions": {name: question.completions[name] for name in sorted(question.completions)},
        "votes": [
            {"rater": vote.rater, "said": vote.outcome, "value": vote.value, "side": vote.side}
            for vote in item.opinions
        ],
        "rows_made": len(decisions),
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n"


def _no_rows_sentence(plan: ExportPlan, tally: ExportTally) -> str:
    if not tally.questions:
        return user_messages.NO_FEEDBACK_MATCHES
    without_row = dict(tally.without_row)
    if tally.with_control_token:
        without_row["a control token in a text"] = tally.with_control_token
    reasons = ", ".join(f"{why}: {count}" for why, count in sorted(without_row.items()))
    return user_messages.no_rows(plan.format.name, tally.questions, reasons)
