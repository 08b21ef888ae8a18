"""The manifest of an export with hashes, and the proof that no tissue is in two splits."""

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
from pathviewer.export import user_messages
from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from pathviewer.export.plan import ExportPlan, ExportTally, as_json

MANIFEST = "manifest.json"
SCHEMA = 1
"""Increases when a column changes its meaning."""


def write_manifest(folder: Path, plan: ExportPlan, tally: ExportTally) -> str:
    """Write `manifest.json`: plan, counts, and the hash of every other file.

    Returns its own SHA-256.
    """
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
    return file_sha256(folder / MANIFEST)


def prove(folder: Path, tally: ExportTally | None = None) -> dict[str, int]:
    """Return the rows by split, read back from the files.

    Raises ExportError if a group or a picture is in two splits, or if the row counts differ from
    the tally's.
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
                    raise ExportError(user_messages.key_in_two_splits(name, other, split))
    if tally is not None and dict(rows) != dict(tally.rows):
        raise ExportError(user_messages.ROWS_DIFFER)
    return dict(rows)


def check_export(folder: Path) -> dict[str, int]:
    """Return the rows by split of an existing export.

    Raises ExportError if a file was changed, removed or added since the manifest, or if a group or
    picture is in two splits.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(user_messages.manifest_missing(folder.name, MANIFEST)) from error
    there = {path.name for path in folder.iterdir()} - {MANIFEST}
    if there != set(files):
        names = ", ".join(sorted(there ^ set(files)))
        raise ExportError(user_messages.files_differ_from_manifest(names))
    for name in sorted(files):
        if _described(folder / name) != files[name]:
            raise ExportError(user_messages.file_changed(name))
    try:
        return prove(folder)
    except (ArrowInvalid, KeyError) as error:
        raise ExportError(user_messages.files_of_no_export(folder.name)) from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _described(path: Path) -> dict[str, Any]:
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def _groups_and_pictures(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the group and the picture's SHA-256 of every row."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=16, columns=["group_id", "images"]):
            for row in batch.to_pylist():
                for picture in row["images"]:
                    yield row["group_id"], hashlib.sha256(picture["bytes"]).hexdigest()


def _filters(plan: ExportPlan) -> dict[str, Any]:
    """Return the filters, with pseudonyms for people and cases."""
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
