"""The commands, as a person runs them; and every column is documented."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from pathviewer.commands.main import app
from pathviewer.export.columns import COMMENTS_COLUMN, COMMON_COLUMNS
from pathviewer.export.evidence import EVIDENCE_COLUMNS
from pathviewer.export.plan import FORMATS
from storage.audit import list_entries
from storage.tables import ExportedCompletion
from tests.commands import called
from tests.databases import new_database
from tests.pathviewer.export.made_labels import fill, new_labels

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a database with labels: exit code, stdout, stderr or its last sentence."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "state"))
    labels = new_labels(tmp_path / "state")
    fill(labels, slides=2)
    labels.database.close()

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        done = called(app, *arguments)
        return done.code, done.stdout, done.stderr

    return call


def test_an_export_and_its_check(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, told, _ = run("export", "--format", "unpaired", "--out", out, "--rater", "Ada")
    assert (code, told.startswith("Wrote 4 rows (")) == (0, True)
    code, told, _ = run("check-export", out)
    assert (code, "no group or picture is in two splits" in told) == (0, True)
    database = new_database(f"sqlite:///{tmp_path / 'state' / 'pathviewer.sqlite3'}")
    with database.read_only() as session:
        entry = list_entries(session)[0]
        stored = session.execute(
            select(ExportedCompletion.dataset_sha256, ExportedCompletion.account_id)
        ).all()
    database.close()
    assert (entry.action, entry.subject, entry.detail["rows"]) == ("exported", "unpaired", 4)
    sha256 = hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    assert (entry.detail["sha256"], entry.detail["by"]) == (sha256, "command line")
    assert [tuple(row) for row in stored] == [(sha256, None)] * 4
    code, _, told = run("export", "--format", "unpaired", "--out", out)
    assert (code, told) == (1, "The folder out is not empty; choose another --out.")


def test_counts_as_json(run: Run, tmp_path: Path) -> None:
    code, told, _ = run("export", "--format", "grpo", "--out", tmp_path / "out", "--json")
    counts = json.loads(told)
    assert (code, counts["format"], counts["items"]) == (0, "grpo", 2)
    assert sum(counts["rows"].values()) == 3


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--rater", "nobody", "There is no account named nobody."),
        ("--case", "S-9", "There is no case named S-9."),
        ("--since", "yesterday", "“yesterday” is not a date; write it like 2026-03-31."),
        ("--until", "9999-12-31", "“9999-12-31” is outside the years 1970 to 2999."),
        ("--zone", "Mars/Olympus", "“Mars/Olympus” is not a time zone that this server knows"),
        ("--rule", "most", "“most” is no rule for several raters"),
        ("--splits", "1,1,1", "“1,1,1” are no shares"),
        ("--model", "other", "No feedback matches"),
        ("--question-type", "blur", "No feedback matches"),
    ],
)
def test_what_cannot_be_exported_is_told(
    run: Run, tmp_path: Path, option: str, value: str, told: str
) -> None:
    code, _, said = run("export", "--format", "sft", "--out", tmp_path / "out", option, value)
    assert (code, told in said) == (1, True), said
    assert not (tmp_path / "out").exists()


def test_every_column_is_documented() -> None:
    document = (ROOT / "docs" / "export.md").read_text()
    own = [column for form in FORMATS.values() for column in form.columns]
    for column in (*COMMON_COLUMNS, *EVIDENCE_COLUMNS, COMMENTS_COLUMN, *own):
        assert f"| `{column.name}` | {column.kind} | {column.description} |\n" in document, (
            column.name
        )
