"""What an export is made of, with hashes, and proof that no tissue stands in two splits."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyarrow import ArrowInvalid

from pathviewer import __version__
from pathviewer.common.pseudonym import pseudonym
from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from pathviewer.export.plan import ExportPlan, ExportTally, as_json

MANIFEST = "manifest.json"
SCHEMA = 1
"""Rises when a column changes its meaning."""


def write_manifest(folder: Path, plan: ExportPlan, tally: ExportTally) -> None:
    """`manifest.json`: plan, counts, and every other file by its hash."""
    content = {
        "schema": SCHEMA,
        "program": f"pathviewer {__version__}",
        "format": plan.format.name,
        "rule": plan.rule.name if plan.rule.name != "at-least" else plan.rule.least,
        "shares": vars(plan.shares),
        "filters": _filters(plan),
        "comments": plan.comments,
        "licence": plan.licence or None,
        "counts": as_json(tally),
        "files": {path.name: _described(path) for path in sorted(folder.iterdir())},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def prove(folder: Path, tally: ExportTally | None = None) -> dict[str, int]:
    """Rows by split, read again from the files.

    Raises ExportError if a group or a picture stands in two splits, or the files hold other rows
    than were counted.
    """
    splits_by_key: dict[str, str] = {}
    rows: Counter[str] = Counter()
    for path in sorted(folder.glob("*.parquet")):
        split = path.stem
        for group, picture in _groups_and_pictures(path):
            rows[split] += 1
            for name in (f"group {group}", f"picture {picture}"):
                other = splits_by_key.setdefault(name, split)
                if other != split:
                    raise ExportError(f"{name} stands in {other} and in {split}: report this.")
    if tally is not None and dict(rows) != dict(tally.rows):
        raise ExportError("The files do not hold the rows that were written: try again.")
    return dict(rows)


def check_export(folder: Path) -> dict[str, int]:
    """Rows by split of an export as it lies there.

    Raises ExportError if a file is not what the manifest says, is missing or was added, or a group
    or picture stands in two splits.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{folder.name} holds no {MANIFEST} of an export.") from error
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    if there != set(files):
        names = ", ".join(sorted(there ^ set(files)))
        raise ExportError(f"{names}: missing from the folder, or not in its manifest.")
    for name in sorted(files):
        if _described(folder / name) != files[name]:
            raise ExportError(f"{name} is not what the manifest says; export again.")
    try:
        return prove(folder)
    except (ArrowInvalid, KeyError) as error:
        raise ExportError(f"{folder.name} holds Parquet that is no export.") from error


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(path: Path) -> dict[str, Any]:
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def _groups_and_pictures(path: Path) -> Iterator[tuple[str, str]]:
    """Group, and SHA-256 of the picture, of every row."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=16, columns=["group_id", "images"]):
            for row in batch.to_pylist():
                for picture in row["images"]:
                    yield row["group_id"], hashlib.sha256(picture["bytes"]).hexdigest()


def _filters(plan: ExportPlan) -> dict[str, Any]:
    """What was selected, people and cases under their pseudonyms."""
    selection = plan.selection
    return {
        "since": selection.since and selection.since.isoformat(),
        "until": selection.until and selection.until.isoformat(),
        "zone": selection.zone,
        "raters": sorted(rater_name(each) for each in selection.rater_ids),
        "cases": sorted(pseudonym("case", each) for each in selection.case_ids),
        "models": sorted(selection.models),
        "question_types": sorted(selection.tasks),
        "teaching": selection.teaching,
    }
