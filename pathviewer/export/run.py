"""An export from beginning to end: judgments read, voted on, written, proved and described."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from models.control_tokens import spread_control_tokens
from pathviewer.common.atomic_folder import new_folder
from pathviewer.common.plural import counted
from pathviewer.export import preference_format
from pathviewer.export.card import write_card
from pathviewer.export.columns import user_message
from pathviewer.export.consensus import Won, decide, in_conflict
from pathviewer.export.control_token_check import has_control_token
from pathviewer.export.errors import ExportError
from pathviewer.export.evidence import evidence
from pathviewer.export.formats import Ballot, rater_name
from pathviewer.export.licence_terms import all_allow, authors_of, terms_of
from pathviewer.export.manifest import prove, write_manifest
from pathviewer.export.parquet import SplitFiles
from pathviewer.export.plan import Plan, Tally
from pathviewer.export.splits import Groups, group_tissues, pseudonym
from storage.accounts.consents import who_agreed
from storage.database import Database
from storage.export_groups import tissues
from storage.export_rows import (
    JudgedReading,
    count_judged_readings,
    judged_readings,
    readings_without_picture,
)

CONFLICTS = "adjudication.jsonl"
"""File with the items whose raters contradict each other."""


class Pixels(Protocol):
    """Where pictures are kept."""

    def get(self, sha256: str) -> bytes:
        """The file of that hash."""


def export(
    database: Database,
    pixels: Pixels,
    plan: Plan,
    out: Path,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    private: bool = False,
) -> Tally:
    """Write the folder `out`; the same database and plan give the same bytes.

    `progress` is told readings done and all; `private` makes the folder its owner's alone. With
    nothing under the name `out` it raises ExportError, FolderError and StorageError.
    """
    tally = Tally()
    with database.reading() as session, new_folder(out, private=private) as folder:
        total = count_judged_readings(session, plan.selection)
        tally.pictures_gone = readings_without_picture(session, plan.selection)
        if plan.licence:
            tally.agreed = {rater_name(each) for each in who_agreed(session, plan.licence)}
        groups = group_tissues(tissues(session), plan.shares)
        found = judged_readings(session, plan.selection)
        counted = _counted(found, total, progress)
        _write(folder, counted, _Writing(plan, pixels, groups, tally))
        if not sum(tally.rows.values()):
            raise ExportError(_nothing(plan, tally))
        prove(folder, tally)
        write_card(folder, plan, tally)
        write_manifest(folder, plan, tally)
    return tally


def _counted(
    readings: Iterator[JudgedReading], total: int, progress: Callable[[int, int], None]
) -> Iterator[JudgedReading]:
    for number, reading in enumerate(readings, 1):
        yield reading
        progress(number, total)


class _Writing:
    """What the parts of one export share."""

    def __init__(self, plan: Plan, pixels: Pixels, groups: Groups, tally: Tally) -> None:
        self.plan, self.pixels, self.groups, self.tally = plan, pixels, groups, tally


def _write(folder: Path, readings: Iterator[JudgedReading], work: _Writing) -> None:
    plan, tally = work.plan, work.tally
    path = folder / CONFLICTS
    with SplitFiles(folder, plan.columns) as files, path.open("w", encoding="utf-8") as queue:
        for reading in readings:
            tally.readings += 1
            newest = max(each.created_at for each in reading.judgments)
            tally.last_judged = max(tally.last_judged, newest.isoformat(timespec="seconds"))
            if plan.format is preference_format.FORMAT:
                tally.names_known += sum(each.names_known for each in reading.judgments)
            for ballot in plan.format.ballots(reading):
                won = decide(ballot.votes, plan.rule)
                _count(tally, ballot, won)
                if in_conflict(ballot.votes):
                    queue.write(_conflict(reading, ballot, won))
                for each in won:
                    _add(files, reading, ballot, each, work)
    if not tally.conflicts:
        path.unlink()


def _add(
    files: SplitFiles, reading: JudgedReading, ballot: Ballot, won: Won, work: _Writing
) -> None:
    group = work.groups.group_of[reading.slide_id]
    split = work.groups.split_of[group]
    picture, about = work.pixels.get(reading.pixels_sha256), _about(reading, ballot)
    row = ballot.row(won.value) | _common(reading, group, picture)
    row |= {"raters": list(won.raters), "voters": len(ballot.votes)}
    terms = {each: terms_of(each) for each in authors_of(reading, ballot)}
    row["train_allowed"] = all_allow(terms.values())
    row |= evidence(reading, about, won.raters, picture)
    if work.plan.comments:
        row["comments"] = _comments(reading, about, won)
    tally = work.tally
    if has_control_token(row):
        tally.with_control_token += 1
        return
    files.add(split, row)
    tally.rows[split] += 1
    tally.with_evidence += bool(row["evidence"])
    tally.raters |= set(won.raters)
    for author, own in terms.items():
        tally.models.setdefault(author.model, set()).add(own)
    tally.groups.setdefault(split, set()).add(group)
    tally.pictures.setdefault(split, set()).add(reading.pixels_sha256)


def _common(reading: JudgedReading, group: str, picture: bytes) -> dict[str, Any]:
    sides = {side: getattr(reading, side) for side in ("x", "y", "width", "height", "mpp")}
    scale, colours = reading.scale or {}, reading.colours or {}
    return sides | {
        "mpp_source": scale.get("source"),
        "slide_mpp_x": scale.get("x"),
        "slide_mpp_y": scale.get("y"),
        "colour_profile": colours.get("profile"),
        "colours_corrected": colours.get("corrected"),
        "prompt": user_message(reading.prompt, reading.system),
        "images": [{"bytes": picture, "path": None}],
        "item_id": reading.id,
        "question": spread_control_tokens(reading.question),  # as it stands in the prompt
        "options": [spread_control_tokens(option) for option in reading.options],
        "question_type": reading.task,
        "group_id": group,
        "slide": pseudonym("slide", reading.slide_id),
        "model": reading.model,
        "model_revision": reading.model_revision,
    }


def _about(reading: JudgedReading, ballot: Ballot) -> set[str]:
    """Ids of the completions that an item is about."""
    return set(ballot.item) | ({*reading.completions} if reading.id in ballot.item else set())


def _comments(reading: JudgedReading, about: set[str], won: Won) -> list[str]:
    """Free text of the row's raters about its completions, by rater."""
    return [
        spread_control_tokens(each.comment)
        for rater in won.raters
        for each in reading.judgments
        if each.comment and rater_name(each.rater_id) == rater and each.completion_id in about
    ]


def _count(tally: Tally, ballot: Ballot, won: list[Won]) -> None:
    tally.items += 1
    tally.conflicts += in_conflict(ballot.votes)
    followed = {rater for each in won for rater in each.raters}
    for vote in ballot.votes:
        tally.said[vote.said] += 1
        if vote.rater not in followed:
            why = vote.said if vote.value is None else "others agreed on something else, or too few"
            tally.without_row[why] += 1
    tally.undecided += not won and any(vote.value is not None for vote in ballot.votes)


def _conflict(reading: JudgedReading, ballot: Ballot, won: list[Won]) -> str:
    """An item in conflict as a line of JSON: what it is, and who said what."""
    told = {
        "item_id": reading.id,
        "about": list(ballot.item),
        "question": reading.question,
        "options": list(reading.options),
        "completions": {name: reading.completions[name] for name in sorted(reading.completions)},
        "votes": [
            {"rater": vote.rater, "said": vote.said, "value": vote.value, "side": vote.side}
            for vote in ballot.votes
        ],
        "rows_made": len(won),
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True) + "\n"


def _nothing(plan: Plan, tally: Tally) -> str:
    if not tally.readings:
        return "Nothing that was judged matches; leave out a filter, or judge something first."
    without_row = dict(tally.without_row)
    if tally.with_control_token:
        without_row["a control token in a text"] = tally.with_control_token
    told = ", ".join(f"{why}: {count}" for why, count in sorted(without_row.items()))
    return (
        f"No row of the format {plan.format.name} comes of "
        f"{counted(tally.readings, 'judged reading')}{f' ({told})' if told else ''}; "
        "choose another format or rule."
    )
