"""Questions from a manifest, and the same question put another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.evaluation.items import (
    EvaluationError,
    EvaluationItem,
    ItemSet,
    read_manifest,
    shuffle_options,
    without_options,
)
from models.evaluation.option_permutation import can_reorder_options, reorder_options
from models.scoring import ABSTENTIONS
from tests.models.evaluation.files import lung_folder, write_manifest

QUESTION = "What is shown?"


def test_a_manifest_becomes_diagnosis_questions(tmp_path: Path) -> None:
    found = read_manifest(lung_folder(tmp_path), question=QUESTION)
    assert len(found.items) == 12
    item = found.items[-1]
    assert item.gold == item.label == "squamous cell carcinoma"
    assert set(item.options[:3]) == {"adenocarcinoma", "benign", "squamous cell carcinoma"}
    assert item.options[3:] == ABSTENTIONS
    assert item.group == "g5"
    assert item.question == QUESTION
    assert len({item.options for item in found.items}) > 1  # no class keeps one letter
    assert found.items == read_manifest(tmp_path, question=QUESTION).items


def test_only_the_split_is_asked_and_abstentions_can_be_left_out(tmp_path: Path) -> None:
    folder = lung_folder(tmp_path)
    found = read_manifest(folder, question=QUESTION, split="test", abstentions=False)
    assert {item.group for item in found.items} == {"g3", "g4", "g5"}
    assert all(len(item.options) == 3 for item in found.items)


def test_labels_the_model_cannot_know_are_asked_but_not_scored(tmp_path: Path) -> None:
    known = ("benign", "adenocarcinoma")
    found = read_manifest(lung_folder(tmp_path), question=QUESTION, known_labels=known)
    strange = [item for item in found.items if not item.scored]
    assert {item.label for item in strange} == {"squamous cell carcinoma"}
    assert all(set(item.options[:2]) == set(known) for item in found.items)


def test_a_label_that_begins_one_known_label_is_taken_for_it(tmp_path: Path) -> None:
    known = ("benign lung tissue", "adenocarcinoma")
    found = read_manifest(lung_folder(tmp_path), question=QUESTION, known_labels=known)
    told = {item.label: item.scored for item in found.items}
    assert told == {
        "benign lung tissue": True,
        "adenocarcinoma": True,
        "squamous cell carcinoma": False,
    }


def test_a_folder_without_a_manifest_is_told_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"cannot be read \(No such file") as raised:
        read_manifest(tmp_path, question=QUESTION)
    assert str(tmp_path) not in str(raised.value)


def test_missing_pictures_are_told(tmp_path: Path) -> None:
    folder = lung_folder(tmp_path)
    (folder / "benign" / "1-0.png").unlink()
    found = read_manifest(folder, question=QUESTION)
    assert len(found.items) == 11
    assert found.skipped == ("benign/1-0.png: the picture is missing.",)


@pytest.mark.parametrize(
    ("rows", "split", "words"),
    [
        ([{"path": "a.png", "kind": "x"}], None, "no column label"),
        ([{"path": "a.png", "label": "x"}], None, "such as a.png"),
        ([{"path": "a.png", "label": "x", "split": "train"}], "test", "'train'"),
        ([{"path": "a.png", "label": "x"}], "test", "no splits"),
        ([{"path": "a.png", "label": "x"}] * 2, None, "twice"),
    ],
)
def test_a_manifest_that_cannot_be_used(
    tmp_path: Path, rows: list[dict[str, str]], split: str | None, words: str
) -> None:
    write_manifest(tmp_path, rows)
    with pytest.raises(EvaluationError, match=words):
        read_manifest(tmp_path, question=QUESTION, split=split)


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"manifest\.csv"):
        read_manifest(tmp_path, question=QUESTION)


def item_with(options: tuple[str, ...], name: str = "one") -> EvaluationItem:
    return EvaluationItem(name, Path("one.png"), QUESTION, options[0], options, "g")


@pytest.mark.parametrize("options", [("a", "b"), ("a", "b", "c", "d"), ("a", "b", *ABSTENTIONS)])
def test_permuting_always_moves_something_and_loses_nothing(options: tuple[str, ...]) -> None:
    for name in "abcdefgh":
        changed = reorder_options(item_with(options, name))
        assert changed.options != options
        assert sorted(changed.options) == sorted(options)
        assert changed.gold == options[0]
        if ABSTENTIONS[0] in options:
            assert changed.options[-2:] == ABSTENTIONS


@pytest.mark.parametrize(
    ("options", "fixed"),
    [
        (("a", "b", "c", "All of the above"), {3}),
        (("a", "b", "All of these.", "None of the above"), {2, 3}),
        (("a", "b", "both", "neither"), {2, 3}),
        (("None of these", "a", "b"), {0}),
        (("a", "b", "Two of the above", "cannot assess"), {2, 3}),
    ],
)
def test_options_that_speak_of_the_others_stay_in_place(
    options: tuple[str, ...], fixed: set[int]
) -> None:
    asked = item_with(options)
    assert can_reorder_options(asked)
    for name in "abcdefgh":
        changed = reorder_options(replace(asked, id=name)).options
        assert {place for place in fixed if changed[place] == options[place]} == fixed
        assert changed != options
        assert sorted(changed) == sorted(options)


@pytest.mark.parametrize(
    "options",
    [
        ("a", "b", "Both A and B"),
        ("a", "b", "A and B", "c"),
        ("a", "b", "A & B only"),
        ("a", "b", "(a) or (b)"),
        ("a", "b", "neither A nor B"),
        ("a", "b", "c", "A, B and C"),
        ("a", "b", "A only"),
        ("a", "b", "Option B"),
        ("a", "b", "A/B"),
        ("a", "b", "the first two"),
        ("a", "b", "Both of the other options"),
        ("a", "All of the above", "b"),  # what is above would change
        ("a", "None of these"),  # nothing to move
    ],
)
def test_questions_that_another_order_would_change_are_not_permuted(
    options: tuple[str, ...],
) -> None:
    assert not can_reorder_options(item_with(options))


@pytest.mark.parametrize(
    "options",
    [
        ("B cell lymphoma", "T cell lymphoma"),
        ("grade A", "grade B"),
        ("necrosis", "mitosis", "necrosis and mitosis"),
        ("a band of cells", "either lung", "both lungs"),
    ],
)
def test_single_letters_in_words_are_no_names_of_options(options: tuple[str, ...]) -> None:
    assert can_reorder_options(item_with(options))


def test_free_form_asks_the_same_without_options() -> None:
    assert without_options(item_with(("a", "b"))).options == ()


def test_the_order_depends_on_the_salt_alone() -> None:
    options = ("one", "two", "three", "four")
    orders = {shuffle_options(options, str(number)) for number in range(60)}
    assert len(orders) > 15
    assert shuffle_options(options, "x") == shuffle_options(tuple(reversed(options)), "x")


def test_the_first_few_do_not_all_come_from_the_top(tmp_path: Path) -> None:
    whole = read_manifest(lung_folder(tmp_path), question=QUESTION)
    few = whole.first(4)
    assert len(few.items) == 4
    assert {item.id for item in few.items} < {item.id for item in whole.items}
    assert few.items != whole.items[:4]
    assert whole.first(None) is whole.first(99) is whole
    assert few.digest != whole.digest


def test_questions_of_some_types_are_chosen() -> None:
    asked = EvaluationItem("", Path("one.png"), QUESTION, "benign")
    items = ItemSet(tuple(replace(asked, id=f"{n}", question_type=t) for n, t in enumerate("aba")))
    assert [each.id for each in items.of_types(["a"]).items] == ["0", "2"]
    assert items.of_types([]) == items
    with pytest.raises(EvaluationError, match="of the type c; there are a, b"):
        items.of_types(["a", "c"])
