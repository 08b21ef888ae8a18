"""A JSONL of items: what it may hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pathviewer.worklists.errors import WorklistError
from pathviewer.worklists.item_file import read_items
from storage.slides.store import SlideRecord, list_slide_records, register_slide
from tests.databases import new_database

ITEM: dict[str, Any] = {
    "slide": "a.svs",
    "box": {"x": 1, "y": 2, "width": 30, "height": 40},
    "question": "What is it?",
    "options": ["benign", "tumour"],
    "answer": "B",
    "task": "diagnosis",
}


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> list[SlideRecord]:
    database = new_database(f"sqlite:///{tmp_path_factory.mktemp('items') / 'state.sqlite3'}")
    with database.session() as session:
        register_slide(session, folder="f", relative_path="lung/a.svs", quickhash="q")
        found = list_slide_records(session)
    database.close()
    return found


def read(tmp_path: Path, slides: list[SlideRecord], text: str) -> Any:
    path = tmp_path / "items.jsonl"
    path.write_text(text)
    return read_items(path, slides, lambda _: (100, 80))


def test_an_item_is_read(tmp_path: Path, slides: list[SlideRecord]) -> None:
    other = ITEM | {"box": [0, 0, 100, 80], "options": ["A) benign", "B) tumour"]}
    bare = {name: ITEM[name] for name in ("slide", "box", "question")}
    text = "\n".join(map(json.dumps, (ITEM, other, bare))) + "\n\n"
    one, two, three = read(tmp_path, slides, text)
    assert (one.slide_id, one.x, one.height) == (slides[0].id, 1, 40)
    assert (one.options, one.reference_answer) == (["benign", "tumour"], "tumour")
    assert (two.width, two.options, two.reference_answer) == (100, ["benign", "tumour"], "tumour")
    assert (three.options, three.reference_answer, three.task) == ([], None, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_passed_over(
    tmp_path: Path, slides: list[SlideRecord], encoding: str
) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes((json.dumps(ITEM) + "\r\n").encode(encoding))
    (one,) = read_items(path, slides, lambda _: (100, 80))
    assert one.slide_id == slides[0].id


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"slide": "b.svs"}, "Line 2: there is no slide “b.svs”"),
        ({"slide": 3}, "Line 2: slide is missing"),
        ({"slide": "1,23E+11"}, "Line 2: the column “slide” holds “1,23E\\+11”"),
        ({"box": None}, "Line 2: box must be {x, y, width, height}"),
        ({"box": [0, 0, 10]}, "Line 2: box must be"),
        ({"box": [0, 0, 10.5, 3]}, "Line 2: box must be"),
        ({"box": [True, 0, 10, 3]}, "Line 2: box must be"),
        ({"box": [90, 0, 20, 20]}, "Line 2: .* leaves the slide, which is 100 x 80"),
        ({"box": [0, 0, 0, 20]}, "Line 2: "),
        ({"question": " "}, "Line 2: question is missing"),
        ({"question": "x" * 5000}, "Line 2: The question has 5,000 characters"),
        ({"options": ["benign"]}, "Line 2: A single option is no choice"),
        ({"options": ["benign", ""]}, "Line 2: Option B is empty"),
        ({"options": "benign"}, "Line 2: options must be a list of texts"),
        ({"answer": "C"}, "Line 2: the answer “C” is not among the options"),
        ({"answer": "normal"}, "Line 2: the answer “normal” is not among the options"),
        ({"reference": "x"}, "Line 2: “reference” is not a field"),
    ],
)
def test_what_is_no_item_is_told(
    tmp_path: Path, slides: list[SlideRecord], change: dict[str, Any], told: str
) -> None:
    with pytest.raises(WorklistError, match=told):
        read(tmp_path, slides, f"{json.dumps(ITEM)}\n{json.dumps(ITEM | change)}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no item"),
        ("[]\n", "Line 1: it is not a JSON object"),
        ("{\n", "Line 1: it is not JSON"),
    ],
)
def test_what_is_no_list_is_told(
    tmp_path: Path, slides: list[SlideRecord], text: str, told: str
) -> None:
    with pytest.raises(WorklistError, match=told):
        read(tmp_path, slides, text)
    with pytest.raises(WorklistError, match="cannot be read"):
        read_items(tmp_path / "none.jsonl", slides, lambda _: (1, 1))
