"""Which judgments an export takes, and what of them leaves."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pathviewer.export.errors import ExportError
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from storage.cases.store import find_case
from storage.export_rows import Selection
from storage.tables import Completion, Question, now
from storage.withdrawals import withdraw_case, withdraw_rater
from tests.pathviewer.export.made_labels import TEXTS, Labels, Loads, judged, rows, text_of

CLOSED = "WenchuanZhang/Patho-R1-7B"
"""A known model whose licence forbids training on its answers."""


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, {"0", "1"}),
        ({"models": frozenset({"other"})}, {"1"}),
        ({"tasks": frozenset({"cellularity"})}, {"0"}),
        ({"since": now() - timedelta(days=1), "until": now() + timedelta(days=1)}, {"0", "1"}),
        ({"since": datetime(2100, 1, 1, tzinfo=UTC)}, set()),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, set()),
    ],
)
def test_filters(labels: Labels, load: Loads, chosen: dict[str, Any], expected: set[str]) -> None:
    judged(labels)
    if not expected:
        with pytest.raises(ExportError, match="No feedback matches"):
            load(labels, "unpaired", selection=Selection(**chosen))
        return
    found = rows(load(labels, "unpaired", selection=Selection(**chosen)))
    assert {text_of(row["completion"]) for row in found} == {TEXTS[int(one)] for one in expected}


def test_filters_by_rater_and_case(labels: Labels, load: Loads) -> None:
    judged(labels)
    bob = frozenset({labels.people["bob"]})
    assert sorted(rows(load(labels, "unpaired", selection=Selection(rater_ids=bob)))["label"]) == [
        False,
        True,
    ]
    with labels.database.read_only() as session:
        case = find_case(session, "S-26-1234")
    assert case is not None
    chosen = Selection(case_ids=frozenset({case.id}))
    found = rows(load(labels, "unpaired", selection=chosen))
    assert {text_of(row["completion"]) for row in found} == {TEXTS[0]}
    assert {row["group_id"][:5] for row in found} == {"case-"}


def test_no_name_leaves(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    everything = []
    for name in ("unpaired", "sft", "grpo"):
        out = tmp_path / name
        export(labels.database, labels.blobs, ExportPlan(FORMATS[name]), out)
        everything += [path.read_bytes() for path in out.iterdir()]
    told = b"".join(everything)
    for secret in ("ada", "bob", "Smith", "S-26-1234", "slide-one", *labels.people.values()):
        # as a word of its own: hashes in hexadecimal hold "ada" by chance
        assert not re.search(rb"\b%s\b" % re.escape(secret.encode()), told), secret


def test_comments_only_when_asked_for(labels: Labels, load: Loads) -> None:
    judged(labels)
    assert "comments" not in rows(load(labels, "unpaired")).column_names
    found = rows(load(labels, "unpaired", comments=True))
    assert {comment for row in found for comment in row["comments"]} == {
        "Ask Dr Smith 0",
        "Ask Dr Smith 1",
    }
    assert all(len(row["comments"]) <= 1 for row in found)


def test_what_was_withdrawn_is_in_no_later_export(labels: Labels, load: Loads) -> None:
    judged(labels)
    assert len(rows(load(labels, "unpaired"))) == 4
    with labels.database.session() as session:
        withdraw_rater(session, labels.people["bob"], "local")
    assert len(rows(load(labels, "unpaired"))) == 2
    with labels.database.session() as session:
        case = find_case(session, "S-26-1234")
        assert case is not None
        withdraw_case(session, case.id, "local")
    (row,) = rows(load(labels, "unpaired"))
    assert text_of(row["completion"]) == TEXTS[1]


@pytest.mark.parametrize("choice", ["left", "right"])
def test_a_pair_names_both_models(labels: Labels, load: Loads, tmp_path: Path, choice: str) -> None:
    # ids are random: over six pairs either side is the one that feedback is stored of
    with labels.database.session() as session:
        for number in range(6):
            (ours,) = labels.reading(session, f"s{number}", number, TEXTS[0])
            (theirs,) = labels.reading(session, f"s{number}", number, TEXTS[1], model=CLOSED)
            labels.prefer(session, "ada", ours, theirs, choice)
    found = rows(load(labels, "preference"))
    both = ("pathviewer-r1-tiny", CLOSED) if choice == "left" else (CLOSED, "pathviewer-r1-tiny")
    assert [(row["chosen_model"], row["rejected_model"]) for row in found] == [both] * 6
    tally = export(
        labels.database, labels.blobs, ExportPlan(FORMATS["preference"]), tmp_path / "out"
    )
    assert set(tally.models) == {*both}
    assert "Do not train on this" in (tmp_path / "out" / "README.md").read_text()
    for one in both:
        with pytest.raises(ExportError, match="No feedback matches"):
            load(labels, "preference", selection=Selection(models=frozenset({one})))
    chosen = Selection(models=frozenset(both))
    assert len(rows(load(labels, "preference", selection=chosen))) == 6


def test_what_a_checkpoint_says_of_itself_is_kept_with_its_answers(
    labels: Labels, load: Loads, tmp_path: Path
) -> None:
    with labels.database.session() as session:
        (ours,) = labels.reading(session, "s", 1, TEXTS[0])
        (theirs,) = labels.reading(session, "s", 1, TEXTS[1], model="mine")
        answered = session.get_one(Question, session.get_one(Completion, theirs).question_id)
        answered.model_info = {"licence": "house", "train_allowed": False}
        labels.prefer(session, "ada", ours, theirs, "left")
        labels.verdict(session, "ada", ours, "correct")
    assert rows(load(labels, "preference"))["train_allowed"] == [False]
    assert rows(load(labels, "unpaired"))["train_allowed"] == [True]
    export(labels.database, labels.blobs, ExportPlan(FORMATS["preference"]), tmp_path / "out")
    assert "forbids it: mine (house)." in (tmp_path / "out" / "README.md").read_text()
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"]["models"]
    assert {"model": "mine", "licence": "house", "train_allowed": False} in told
