"""The folder of an export: whole, the same every time, and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import load_dataset
from sqlalchemy import select

from pathviewer.export.consensus import Rule
from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from pathviewer.export.manifest import check_export
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from pathviewer.export.splits import Shares
from storage.blobs import mark_removed
from storage.errors import StorageError
from storage.export_rows import Selection
from storage.tables import Completion, Question
from tests.pathviewer.export.made_labels import TEXTS, Labels, Loads, judged


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_same_database_gives_the_same_bytes(filled: Labels, tmp_path: Path, name: str) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for out in folders:
        export(filled.database, filled.blobs, ExportPlan(FORMATS[name], Rule("majority")), out)
    contents = [{path.name: path.read_bytes() for path in out.iterdir()} for out in folders]
    assert contents[0] == contents[1]
    assert {"README.md", "manifest.json", "train.parquet"} <= set(contents[0])
    assert check_export(folders[0]) == json.loads(contents[0]["manifest.json"])["counts"]["rows"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_is_loaded_is_what_was_described(filled: Labels, load: Loads, name: str) -> None:
    # ids are random: with the usual shares all six slides may fall into train
    loaded = load(filled, name, shares=Shares(0.01, 0.495, 0.495), comments=True)
    plan = ExportPlan(FORMATS[name], comments=True)
    assert len(loaded) > 1
    for split in loaded.values():
        assert split.column_names == [column.name for column in plan.columns]
    groups = [set(split["group_id"]) for split in loaded.values()]
    assert sum(map(len, groups)) == len(set().union(*groups))


@pytest.mark.parametrize(
    ("name", "count"), [("grpo", 12), ("preference", 12), ("sft", 12), ("unpaired", 12)]
)
def test_the_tally_has_the_version_and_its_completions(
    filled: Labels, tmp_path: Path, name: str, count: int
) -> None:
    out = tmp_path / "out"
    tally = export(filled.database, filled.blobs, ExportPlan(FORMATS[name]), out)
    assert tally.sha256 == hashlib.sha256((out / "manifest.json").read_bytes()).hexdigest()
    with filled.database.read_only() as session:
        assert tally.completion_ids <= set(session.scalars(select(Completion.id)))
    assert len(tally.completion_ids) == count


def spoil(out: Path) -> None:
    (out / "train.parquet").write_bytes((out / "train.parquet").read_bytes() + b"x")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (spoil, "train.parquet differs from the manifest"),
        (lambda out: (out / "README.md").unlink(), "README.md: missing from the folder"),
        (lambda out: (out / "more").write_text("x"), "more: missing from the folder, or not in"),
        (lambda out: (out / "manifest.json").unlink(), "has no manifest.json"),
        (lambda out: (out / "manifest.json").write_text("[]"), "has no manifest.json"),
    ],
)
def test_an_export_that_was_changed_is_told(
    filled: Labels, tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    out = tmp_path / "out"
    export(filled.database, filled.blobs, ExportPlan(FORMATS["grpo"]), out)
    change(out)
    with pytest.raises(ExportError, match=told):
        check_export(out)


def test_conflicts_go_to_the_adjudication_file(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    out = tmp_path / "out"
    tally = export(
        labels.database, labels.blobs, ExportPlan(FORMATS["unpaired"], Rule("majority")), out
    )
    assert (tally.conflicts, tally.undecided, sum(tally.rows.values())) == (1, 1, 1)
    assert len(tally.completion_ids) == 2  # the row's, and the one in the file
    (line,) = (out / "adjudication.jsonl").read_text().splitlines()
    item = json.loads(line)
    assert list(item["completions"].values()) == [TEXTS[1]]
    assert {vote["said"] for vote in item["votes"]} == {"correct", "incorrect"}
    assert {vote["rater"] for vote in item["votes"]} == {
        rater_name(account) for account in labels.people.values()
    }
    card = (out / "README.md").read_text()
    assert "on 1 of them raters contradict each other" in card


def test_a_picture_that_is_gone_leaves_its_rows_out(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    with labels.database.session() as session:
        gone = session.query(Question).filter(Question.task == "blur").one().pixels_sha256
        mark_removed(session, gone)
    tally = export(labels.database, labels.blobs, ExportPlan(FORMATS["unpaired"]), tmp_path / "out")
    assert (tally.missing_pictures, sum(tally.rows.values())) == (1, 2)
    assert (
        "Left out without a picture: 1 judged question."
        in (tmp_path / "out" / "README.md").read_text()
    )


def test_a_picture_that_was_lost_is_told(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    for path in (labels.folder / "blobs").glob("??/*"):
        path.write_bytes(b"x")
    with pytest.raises(StorageError, match="is damaged"):
        export(labels.database, labels.blobs, ExportPlan(FORMATS["unpaired"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_is_told(filled: Labels, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    plan = ExportPlan(FORMATS["unpaired"])
    export(filled.database, filled.blobs, plan, tmp_path / "out", lambda *s: told.append(s))
    assert told == [(number, 6) for number in range(1, 7)]


def test_exports_of_one_name_are_told_apart(labels: Labels, tmp_path: Path) -> None:
    """`datasets` remembers what it has read by the folder's name and the card's head alone."""
    judged(labels)
    counts = []
    for parent, models in (("all", frozenset[str]()), ("one", frozenset({"other"}))):
        out = tmp_path / parent / "export"
        out.parent.mkdir()
        selection = Selection(models=models)
        plan = ExportPlan(FORMATS["unpaired"], shares=Shares(1, 0, 0), selection=selection)
        tally = export(labels.database, labels.blobs, plan, out)
        loaded = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
        counts.append((len(loaded["train"]), tally.rows["train"]))
    assert [read for read, _ in counts] == [written for _, written in counts]
    assert len(set(counts)) == 2
