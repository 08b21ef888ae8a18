"""What an export holds, and that it is what was judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict, load_dataset

from pathviewer.export.ballots import rater_name
from pathviewer.export.errors import ExportError
from pathviewer.export.manifest import check_export
from pathviewer.export.plan import FORMATS, Plan
from pathviewer.export.run import export
from pathviewer.export.splitting import Shares
from pathviewer.export.voting import Rule
from storage.cases import find_case
from storage.errors import StorageError
from storage.export import Selection
from storage.tables import now
from storage.withdrawals import withdraw_case, withdraw_rater
from tests.pathviewer.export.made_labels import EDITED, OPTIONS, RIGHT, WRONG, Labels

ALL = Shares(1, 0, 0)
TRIMMED = "<think>Nuclei are few.</think><answer>A</answer>"
TEXTS = [f"<think>Region {number}.</think><answer>C</answer>" for number in (0, 1)]
Loads = Callable[..., DatasetDict]


@pytest.fixture
def load(tmp_path: Path) -> Loads:
    """Exports and opens the folder with `datasets`; each in a folder of its own."""
    made = iter(range(100))

    def export_and_load(labels: Labels, name: str, **told: Any) -> DatasetDict:
        out = tmp_path / f"out{next(made)}"
        export(labels.database, labels.blobs, Plan(FORMATS[name], **({"shares": ALL} | told)), out)
        return load_dataset(str(out), cache_dir=str(tmp_path / "cache"))

    return export_and_load


def text_of(messages: list[dict[str, Any]]) -> str:
    """The text of a chat's last message."""
    return str(messages[-1]["content"][-1]["text"])


def rows(loaded: DatasetDict) -> Dataset:
    assert set(loaded) == {"train"}
    return loaded["train"]


def test_pairs(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        a, b = labels.reading(session, "s", 1, RIGHT, WRONG)
        labels.prefer(session, "ada", b, a, "right")
        labels.prefer(session, "bob", a, b, "left")
        labels.prefer(session, "cy", a, b, "right")
        labels.prefer(session, "dan", a, b, "tie")
        labels.prefer(session, "eve", a, b, "both_bad")
        labels.say(session, "ada", b, "edited_trace", edited_steps=[], edited_text=EDITED)
    found = rows(load(labels, "preference"))
    told = {
        (text_of(row["chosen"]), text_of(row["rejected"]), row["source"], row["raters"][0])
        for row in found
    }
    name = {who: rater_name(account) for who, account in labels.people.items()}
    assert told == {
        (RIGHT, WRONG, "preference", name["ada"]),
        (RIGHT, WRONG, "preference", name["bob"]),
        (WRONG, RIGHT, "preference", name["cy"]),
        (EDITED, WRONG, "edited_trace", name["ada"]),
    }
    assert {row["voters"] for row in found if row["source"] == "preference"} == {5}
    row = found[0]
    assert [part["type"] for part in row["prompt"][0]["content"]] == ["image", "text"]
    assert row["images"][0].size == (84, 84)
    assert row["images"][0].getpixel((0, 0)) == (1, 90, 160)
    assert (row["question_type"], row["options"], row["mpp"]) == ("cellularity", [*OPTIONS], 0.5)
    assert (row["x"], row["y"], row["width"], row["height"]) == (10, 20, 168, 168)
    agreed = rows(load(labels, "preference", rule=Rule("at-least", 2)))
    assert [(text_of(row["chosen"]), sorted(row["raters"])) for row in agreed] == [
        (RIGHT, sorted([name["ada"], name["bob"]]))
    ]
    with pytest.raises(ExportError, match="choose another format or rule"):
        load(labels, "preference", rule=Rule("at-least", 3))


def test_single_completions(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        said = ("correct", "incorrect", "partly_correct", "unsure", "not_assessable")
        for number, verdict in enumerate((*said, "unsuitable_question")):
            (one,) = labels.reading(session, "s", number, f"{RIGHT}{number}")
            labels.verdict(session, "ada", one, verdict)
    found = rows(load(labels, "unpaired"))
    assert {text_of(row["completion"])[-1]: row["label"] for row in found} == {
        "0": True,
        "1": False,
    }


def test_a_change_of_mind_counts_as_it_is_now(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        (one,) = labels.reading(session, "s", 1, RIGHT)
        labels.verdict(session, "ada", one, "incorrect")
        labels.verdict(session, "ada", one, "correct")
    assert rows(load(labels, "unpaired"))["label"] == [True]


def test_steps(labels: Labels, load: Loads) -> None:
    with labels.database.session() as session:
        one, bare = labels.reading(session, "s", 1, WRONG, "<answer>A</answer>")
        steps = [
            {"step": 0, "events": ["contradiction", "not_in_region"], "quote": "few"},
            {"step": 1, "events": [], "step_class": "Reasoning"},
        ]
        labels.say(session, "ada", one, "labels", absences=["missing_knowledge"], steps=steps)
        labels.say(session, "bob", one, "labels", absences=[], steps=[])
        odd = [{"step": 7, "events": ["contradiction"]}]
        labels.say(session, "cy", one, "labels", absences=[], steps=odd)
        labels.say(session, "cy", bare, "labels", absences=[], steps=[])
    found = {row["raters"][0]: row for row in rows(load(labels, "stepwise"))}
    assert len(found) == 2
    row = found[rater_name(labels.people["ada"])]
    assert row["completions"] == ["Nuclei are few.", "There is much space."]
    assert row["labels"] == [False, True]
    assert row["events"] == [["contradiction", "not_in_region"], []]
    assert row["absences"] == ["missing_knowledge"]
    assert (row["integrity"], row["knowledge"], row["process_reward"]) == (0.6, 0.6, 0.6)
    assert row["answer"] == "A"
    assert found[rater_name(labels.people["bob"])]["labels"] == [True, True]


@pytest.mark.parametrize(
    ("told", "text", "reason"),
    [
        ({"verdict": "correct"}, RIGHT, "confirmed"),
        ({"verdict": "correct", "absences": ["missing_knowledge"]}, None, "reasoning is faulted"),
        ({"verdict": "correct", "step": "contradiction"}, None, "reasoning is faulted"),
        ({"verdict": "correct", "step": None}, RIGHT, "labelled, and nothing wrong"),
        ({"verdict": "incorrect"}, None, "not confirmed"),
        ({"verdict": "incorrect", "edited": TRIMMED}, TRIMMED, "the answer was corrected too"),
        ({"verdict": "incorrect", "edited": EDITED}, None, "the wrong answer is still there"),
        ({"verdict": "correct", "edited": EDITED}, EDITED, "the correction is learnt"),
        ({"edited": EDITED}, EDITED, "no verdict is needed"),
        ({"edited": "no tags"}, None, "not well formed"),
        ({"verdict": "correct", "edited": RIGHT}, RIGHT, "the correction was taken back"),
        ({"edited": RIGHT}, None, "taken back, and never confirmed"),
        ({"step": None}, None, "labels confirm nothing"),
    ],
)
def test_traces(
    labels: Labels, load: Loads, told: dict[str, Any], text: str | None, reason: str
) -> None:
    with labels.database.session() as session:
        one, other = labels.reading(session, "s", 1, RIGHT, WRONG)
        labels.verdict(session, "ada", other, "unsure")
        if "verdict" in told:
            labels.verdict(session, "ada", one, told["verdict"])
        if "absences" in told or "step" in told:
            events = [told["step"]] if told.get("step") else []
            steps = [{"step": 0, "events": events}]
            absences = told.get("absences", [])
            labels.say(session, "ada", one, "labels", absences=absences, steps=steps)
        if "edited" in told:
            edited = {"edited_steps": [], "edited_text": told["edited"]}
            labels.say(session, "ada", one, "edited_trace", **edited)
    if text is None:
        with pytest.raises(ExportError, match="No row of the format sft"):
            load(labels, "sft")
        return
    (row,) = rows(load(labels, "sft"))
    assert text_of(row["completion"]) == text, reason
    assert row["source"] == ("confirmed" if text == RIGHT else "edited_trace")


@pytest.mark.parametrize(
    ("verdicts", "reference", "answer", "source"),
    [
        ({RIGHT: ("correct", None)}, None, "high", "raters"),
        ({WRONG: ("incorrect", "B")}, None, "moderate", "raters"),
        ({RIGHT: ("correct", None), WRONG: ("incorrect", "high")}, None, "high", "raters"),
        # whoever names two right answers names none, nor one that was not offered
        ({RIGHT: ("correct", None), WRONG: ("incorrect", "low")}, None, None, None),
        ({WRONG: ("incorrect", "very low")}, None, None, None),
        ({WRONG: ("incorrect", None)}, None, None, None),
        ({WRONG: ("incorrect", None)}, "Moderate", "moderate", "consensus"),
        ({WRONG: ("incorrect", None)}, "adenocarcinoma", None, None),
        ({RIGHT: ("correct", None)}, "moderate", "high", "raters"),
    ],
)
def test_answers(
    labels: Labels,
    load: Loads,
    verdicts: dict[str, tuple[str, str | None]],
    reference: str | None,
    answer: str | None,
    source: str | None,
) -> None:
    with labels.database.session() as session:
        ids = dict(zip((RIGHT, WRONG), labels.reading(session, "s", 1, RIGHT, WRONG), strict=True))
        if reference:
            told = {"reference_answer": reference, "reference_source": "consensus"}
            labels.case(session, "s", "S-1", **told)
        for text, (verdict, corrected) in verdicts.items():
            labels.verdict(session, "ada", ids[text], verdict, corrected_answer=corrected)
    if answer is None:
        with pytest.raises(ExportError, match="No row of the format grpo"):
            load(labels, "grpo")
        return
    (row,) = rows(load(labels, "grpo"))
    assert (row["answer"], row["answer_source"]) == (answer, source)


def judged(labels: Labels) -> None:
    """Two slides of a case, judged by two raters who contradict each other about one answer."""
    with labels.database.session() as session:
        for number, slide in enumerate(("slide-one", "slide-two")):
            told = {"task": "blur", "model": "other"} if number else {}
            (one,) = labels.reading(session, slide, number, TEXTS[number], **told)
            labels.verdict(session, "ada", one, "correct", comment=f"Ask Dr Smith {number}")
            labels.verdict(session, "bob", one, "incorrect" if number else "correct")
        labels.case(session, "slide-one", "S-26-1234")


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
        with pytest.raises(ExportError, match="Nothing that was judged matches"):
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
    with labels.database.reading() as session:
        case = find_case(session, "S-26-1234")
    assert case is not None
    chosen = Selection(case_ids=frozenset({case.id}))
    found = rows(load(labels, "unpaired", selection=chosen))
    assert {text_of(row["completion"]) for row in found} == {TEXTS[0]}
    assert {row["group_id"][:5] for row in found} == {"case-"}


def test_conflicts_go_to_the_adjudication_file(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    out = tmp_path / "out"
    tally = export(labels.database, labels.blobs, Plan(FORMATS["unpaired"], Rule("majority")), out)
    assert (tally.conflicts, tally.undecided, sum(tally.rows.values())) == (1, 1, 1)
    (line,) = (out / "adjudication.jsonl").read_text().splitlines()
    item = json.loads(line)
    assert list(item["completions"].values()) == [TEXTS[1]]
    assert {vote["said"] for vote in item["votes"]} == {"correct", "incorrect"}
    assert {vote["rater"] for vote in item["votes"]} == {
        rater_name(account) for account in labels.people.values()
    }
    card = (out / "README.md").read_text()
    assert "on 1 of them raters contradict each other" in card


def test_no_name_leaves(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    everything = []
    for name in ("unpaired", "sft", "grpo"):
        out = tmp_path / name
        export(labels.database, labels.blobs, Plan(FORMATS[name]), out)
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


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_same_database_gives_the_same_bytes(filled: Labels, tmp_path: Path, name: str) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for out in folders:
        export(filled.database, filled.blobs, Plan(FORMATS[name], Rule("majority")), out)
    contents = [{path.name: path.read_bytes() for path in out.iterdir()} for out in folders]
    assert contents[0] == contents[1]
    assert {"README.md", "manifest.json", "train.parquet"} <= set(contents[0])
    assert check_export(folders[0]) == json.loads(contents[0]["manifest.json"])["counts"]["rows"]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_is_loaded_is_what_was_described(filled: Labels, load: Loads, name: str) -> None:
    # ids are random: with the usual shares all six slides may fall into train
    loaded = load(filled, name, shares=Shares(0.01, 0.495, 0.495), comments=True)
    plan = Plan(FORMATS[name], comments=True)
    assert len(loaded) > 1
    for split in loaded.values():
        assert split.column_names == [column.name for column in plan.columns]
    groups = [set(split["group_id"]) for split in loaded.values()]
    assert sum(map(len, groups)) == len(set().union(*groups))


def spoil(out: Path) -> None:
    (out / "train.parquet").write_bytes((out / "train.parquet").read_bytes() + b"x")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (spoil, "train.parquet is not what the manifest says"),
        (lambda out: (out / "README.md").unlink(), "README.md: missing from the folder"),
        (lambda out: (out / "more").write_text("x"), "more: missing from the folder, or not in"),
        (lambda out: (out / "manifest.json").unlink(), "holds no manifest.json"),
        (lambda out: (out / "manifest.json").write_text("[]"), "holds no manifest.json"),
    ],
)
def test_an_export_that_was_changed_is_told(
    filled: Labels, tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    out = tmp_path / "out"
    export(filled.database, filled.blobs, Plan(FORMATS["grpo"]), out)
    change(out)
    with pytest.raises(ExportError, match=told):
        check_export(out)


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


def test_a_picture_that_is_gone_leaves_its_rows_out(labels: Labels, tmp_path: Path) -> None:
    from storage.blobs import mark_removed
    from storage.tables import Reading

    judged(labels)
    with labels.database.session() as session:
        gone = session.query(Reading).filter(Reading.task == "blur").one().pixels_sha256
        mark_removed(session, gone)
    tally = export(labels.database, labels.blobs, Plan(FORMATS["unpaired"]), tmp_path / "out")
    assert (tally.pictures_gone, sum(tally.rows.values())) == (1, 2)
    assert "1 judged readings were left out" in (tmp_path / "out" / "README.md").read_text()


def test_a_picture_that_was_lost_is_told(labels: Labels, tmp_path: Path) -> None:
    judged(labels)
    for path in (labels.folder / "blobs").glob("??/*"):
        path.write_bytes(b"x")
    with pytest.raises(StorageError, match="is damaged"):
        export(labels.database, labels.blobs, Plan(FORMATS["unpaired"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_progress_is_told(filled: Labels, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    plan = Plan(FORMATS["unpaired"])
    export(filled.database, filled.blobs, plan, tmp_path / "out", lambda *s: told.append(s))
    assert told == [(number, 6) for number in range(1, 7)]
