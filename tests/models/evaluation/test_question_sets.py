"""Question sets in our own shape and in those of PathMMU, PathVQA and OmniMedVQA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.evaluation.items import EvaluationError
from models.evaluation.question_sets import read_field_map, read_questions
from tests.models.evaluation.files import picture, write_lines

OWN: dict[str, Any] = {
    "id": "q1",
    "image": "tiles/one.png",
    "question": "How many nuclei are there?",
    "options": ["few", "many"],
    "answer": "B",
    "question_type": "cellularity",
    "group_id": "slide-7",
    "label": "benign",
    "facts": {"nuclei": 812},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two pictures."""
    picture(tmp_path / "tiles" / "one.png")
    picture(tmp_path / "tiles" / "two.png")
    return tmp_path


def test_our_own_shape_keeps_everything(folder: Path) -> None:
    path = write_lines(folder / "set.jsonl", [OWN])
    (item,) = read_questions(path, read_field_map("own")).items
    assert item.image == folder / "tiles" / "one.png"
    assert item.gold == "many"
    assert (item.question_type, item.group, item.label) == ("cellularity", "slide-7", "benign")
    assert item.facts == {"nuclei": 812}
    assert item.scored


def test_what_is_not_said_is_filled_in(folder: Path) -> None:
    shared = {"image": "tiles/two.png", "question": "Q?"}
    path = write_lines(
        folder / "set.jsonl",
        [
            shared | {"answer": "yes"},
            shared | {"answer": "fibrosis"},
            shared | {"answer": "x", "options": {"B": "y", "A": "x"}},
            shared | {"answer": 3, "options": [2, 3]},
            shared | {"answer": "colon", "options": ["x", "y"], "scored": False},
        ],
    )
    items = read_questions(path, read_field_map("own")).items
    assert [item.question_type for item in items] == ["yes/no", "open", *["options"] * 3]
    assert [item.id for item in items] == ["1", "2", "3", "4", "5"]
    assert {item.group for item in items} == {"tiles/two.png"}
    assert items[2].options == ("x", "y")
    assert items[3].gold == "3"
    assert (items[4].gold, items[4].scored) == ("colon", False)


def test_pathmmu(folder: Path) -> None:
    picture(folder / "images" / "p1.jpg")
    question = {
        "No": 0,
        "img": "p1.jpg",
        "question": "Which feature is seen?",
        "options": ["A) Keratin pearls", "B) Glands", "C) Necrosis"],
        "answer": "B) Glands",
        "explanation": "...",
        "source_img": "figure1.jpg",
    }
    path = folder / "data.json"
    path.write_text(json.dumps({"PubMed": {"val": [question], "test": [question]}, "Atlas": {}}))
    (item,) = read_questions(path, read_field_map("pathmmu"), split="test").items
    assert item.options == ("Keratin pearls", "Glands", "Necrosis")
    assert item.gold == "Glands"
    assert (item.question_type, item.group) == ("PubMed", "figure1.jpg")


def test_pathvqa(folder: Path) -> None:
    records = [
        {"image": "tiles/one.png", "question": "Is necrosis present?", "answer": "no"},
        {"image": "tiles/one.png", "question": "What is present?", "answer": "fibrosis"},
    ]
    found = read_questions(write_lines(folder / "q.jsonl", records), read_field_map("pathvqa"))
    assert [item.question_type for item in found.items] == ["yes/no", "open"]
    assert {item.group for item in found.items} == {"tiles/one.png"}


def test_omnimedvqa(folder: Path) -> None:
    question = {
        "dataset": "BreakHis",
        "question_id": "BreakHis_0001",
        "question_type": "Disease Diagnosis",
        "question": "What is it?",
        "gt_answer": "Adenosis",
        "image_path": "Images/BreakHis/one.png",
        "option_A": "Adenosis",
        "option_B": "Lipoma.",
        "option_C": None,
        "option_D": "",
        "modality_type": "Microscopy Images",
    }
    picture(folder / "Images" / "BreakHis" / "one.png")
    path = folder / "QA_information" / "BreakHis.json"
    path.parent.mkdir()
    path.write_text(json.dumps([question, question | {"modality_type": "CT"}]))
    (item,) = read_questions(path, read_field_map("omnimedvqa"), folder=folder).items
    assert item.options == ("Adenosis", "Lipoma.")
    assert (item.id, item.gold) == ("BreakHis_0001", "Adenosis")


def test_a_map_of_ones_own(folder: Path) -> None:
    path = folder / "map.toml"
    path.write_text('image = "file"\nquestion = "q"\nanswer = "a"\nimage_folder = "tiles"\n')
    lines = write_lines(folder / "q.jsonl", [{"file": "one.png", "q": "What?", "a": "yes"}])
    (item,) = read_questions(lines, read_field_map(str(path))).items
    assert item.image == folder / "tiles" / "one.png"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('image = "i"\nquestion = "q"\n', "image, question and answer are needed"),
        ('image = "i"\nquestion = "q"\nanswer = "a"\ncolour = "x"\n', "colour"),
        ("image = ", "not a field map"),
    ],
)
def test_a_map_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(EvaluationError, match=words):
        read_field_map(str(path))


def test_an_unknown_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"quilt.*pathmmu, pathvqa, omnimedvqa"):
        read_field_map(str(tmp_path / "quilt"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "tiles/none.png"}, "picture tiles/none.png is missing"),
        ({"image": None}, "no image"),
        ({"question": "  "}, "no question"),
        ({"answer": None}, "no answer"),
        ({"answer": "several"}, "not among its options"),
        ({"options": 3}, "not a list"),
        ({"options": ["few"], "answer": "few"}, "no choice"),
        ({"options": ["few", "Few"]}, "no choice"),
        ({"facts": [1]}, "facts"),
        ({"id": "q1"}, "occurs twice"),
    ],
)
def test_a_question_that_cannot_be_asked_is_skipped_and_told(
    folder: Path, change: dict[str, Any], words: str
) -> None:
    path = write_lines(folder / "set.jsonl", [OWN, OWN | {"id": "q2"} | change])
    found = read_questions(path, read_field_map("own"))
    assert [item.id for item in found.items] == ["q1"]
    assert len(found.skipped) == 1
    assert words in found.skipped[0]
    assert found.skipped[0].startswith("Question 2")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.jsonl", "{", "cannot be read"),
        ("a.jsonl", "[1]\n", "line 1"),
        ("a.json", "[1]", "list of objects"),
        ("a.json", '{"PubMed": {"test": []}}', "list of objects"),
        ("a.jsonl", "", "no question"),
        ("a.jsonl", json.dumps(OWN | {"image": "gone.png"}), "gone.png is missing"),
    ],
)
def test_a_file_that_cannot_be_used(folder: Path, name: str, text: str, words: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(EvaluationError, match=words):
        read_questions(folder / name, read_field_map("own"))


def test_a_file_that_is_not_there_is_told_by_its_name_alone(folder: Path) -> None:
    with pytest.raises(EvaluationError) as raised:
        read_questions(folder / "gone.jsonl", read_field_map("own"))
    told = "gone.jsonl cannot be read as questions: No such file or directory."
    assert str(raised.value) == told


def test_a_line_separator_inside_a_text_ends_no_line(folder: Path) -> None:
    line = json.dumps(OWN | {"question": "one\u2028two"}, ensure_ascii=False)
    (folder / "set.jsonl").write_text(line + "\n", encoding="utf-8")
    (item,) = read_questions(folder / "set.jsonl", read_field_map("own")).items
    assert item.question == "one\u2028two"
