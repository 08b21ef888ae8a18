"""Judging answers and the figures made of them, against sets small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.answers import Answer, Arm
from models.evaluation.items import EvaluationItem, free_form, shuffled
from models.evaluation.judged import Judged, judge_all, judge_one
from models.evaluation.permuting import permuted
from models.evaluation.report import change, compare, constant, report
from models.scoring import ABSTENTIONS, answer_is_right

LABELS = ("adenocarcinoma", "benign", "squamous cell carcinoma")


def item(name: str, gold: str, group: str, **more: object) -> EvaluationItem:
    """A diagnosis question."""
    made = EvaluationItem(
        name, Path("x.png"), "What?", gold, (*LABELS, *ABSTENTIONS), group, "diagnosis", gold
    )
    return replace(made, **more)  # type: ignore[arg-type]


def answer(asked: EvaluationItem, told: str, arm: Arm = "asked") -> Answer:
    """A well-formed completion of two steps and twelve tokens, in half a second."""
    text = f"<think>1. Glands are seen.\n2. They are odd.</think><answer>{told}</answer>"
    return Answer(asked.id, arm, text, 12, 0.5, 0.1)


def judged(asked: EvaluationItem, told: str) -> Judged:
    return judge_one(asked, answer(asked, told))


def test_one_answer_is_judged() -> None:
    found = judged(item("1", "benign", "g"), "B")
    assert found.right
    assert found.formatted
    assert (found.steps, found.said, found.predicted) == (2, "benign", "benign")
    assert found.process is None
    assert found.has_class
    assert not found.confidently_wrong


@pytest.mark.parametrize(
    ("told", "wrong", "predicted"),
    [
        ("A", True, "adenocarcinoma"),
        ("B", False, "benign"),
        ("None of these", False, "none of these"),
        ("cannot assess from this region.", False, "cannot assess from this region"),
        ("liver", False, "no answer"),
        ("", False, "no answer"),
    ],
)
def test_confidently_wrong_is_naming_what_is_not_so(told: str, wrong: bool, predicted: str) -> None:
    found = judged(item("1", "benign", "g"), told)
    assert found.confidently_wrong is wrong
    assert found.predicted == predicted


@pytest.mark.parametrize("told", ["C!", "(C", "-C-", "**C**.", "c) Squamous-cell carcinoma"])
def test_stray_punctuation_counts_nowhere(told: str) -> None:
    found = judged(item("1", "squamous cell carcinoma", "g"), told)
    assert found.right
    assert found.predicted == "squamous cell carcinoma"
    assert not found.confidently_wrong
    assert judged(item("1", "benign", "g"), told).confidently_wrong


@pytest.mark.parametrize("told", ["A, B", "A B", "a b", "Answer: A, C", "A) or B)", "The A, B"])
def test_an_answer_that_names_two_options_names_none_anywhere(told: str) -> None:
    for gold in LABELS:
        found = judged(item("1", gold, "g"), told)
        assert not found.right
        assert found.predicted == "no answer"
        assert not found.confidently_wrong
        assert report([found])["confusion"] == {gold: {"no answer": 1}}


@given(
    st.text(alphabet="ABCDEabcde ,.:;()!-*or", max_size=8),
    st.sampled_from(LABELS),
)
def test_score_confusion_and_confidence_read_the_same_answer(told: str, gold: str) -> None:
    asked = item("1", gold, "g")
    found = judged(asked, told)
    assert found.right == (found.predicted == gold)
    assert found.right == answer_is_right(told.strip() or None, asked.options, gold)
    assert found.confidently_wrong == (found.predicted in LABELS and not found.right)


def test_abstaining_by_a_letter_that_the_set_wrote_is_not_confident() -> None:
    asked = item("1", "A) benign", "g", options=("A) benign", "B) malignant", "C) None of these"))
    assert not judged(asked, "C").confidently_wrong
    assert judged(asked, "B").confidently_wrong


def test_a_free_answer_is_confident_unless_it_abstains() -> None:
    open_question = free_form(item("1", "benign", "g"))
    assert judged(open_question, "melanoma").confidently_wrong
    assert not judged(open_question, "Cannot assess from this region").confidently_wrong
    assert judged(open_question, "Benign.").right


@pytest.mark.parametrize("text", ["", "B", "<answer>B", "<think>B</think>", "<think>x"])
def test_completions_out_of_form_are_judged_all_the_same(text: str) -> None:
    asked = item("1", "benign", "g")
    found = judge_one(asked, Answer("1", "asked", text, 1, 0.1, 0.1))
    assert not found.formatted


def test_the_process_judge_sees_completion_and_question_and_may_abstain() -> None:
    asked = item("1", "benign", "g", facts={"nuclei": 7})
    seen = []

    def judge(text: str, told: EvaluationItem) -> float | None:
        seen.append((text, told))
        return 0.8 if told.facts else None

    assert judge_one(asked, answer(asked, "B"), judge).process == 0.8
    assert seen[0][1] == asked
    assert judge_one(replace(asked, facts={}), answer(asked, "B"), judge).process is None
    error = Answer("1", "asked", "", 0, 0.0, 0.0, error="Too long.")
    assert judge_one(asked, error, judge).process is None
    assert len(seen) == 2


def some_answers() -> list[Judged]:
    """Four groups; six scored answers, four of them right; two of what the model cannot know."""
    told = [
        ("1", "adenocarcinoma", "g1", "A"),
        ("2", "adenocarcinoma", "g1", "A"),
        ("3", "benign", "g2", "B"),
        ("4", "benign", "g2", "A"),
        ("5", "squamous cell carcinoma", "g3", "squamous cell carcinoma"),
        ("6", "squamous cell carcinoma", "g3", "nothing"),
    ]
    scored = [judged(item(name, gold, group), text) for name, gold, group, text in told]
    colon = [item(name, "colon", "g4", scored=False) for name in "78"]
    return [*scored, judged(colon[0], "A"), judged(colon[1], "None of these")]


def test_the_figures_of_one_model() -> None:
    found = report(some_answers())
    assert (found["n"], found["groups"], found["failed"]) == (6, 3, 0)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["accuracy_low"] <= 0.5 < found["accuracy"] < found["accuracy_high"]
    assert found["chance"] == pytest.approx(1 / 5)
    assert found["constant"] == pytest.approx(2 / 6)
    assert (found["format_rate"], found["mean_steps"]) == (1.0, 2.0)
    assert found["tokens_per_s"] == pytest.approx(24)
    assert found["process_score"] is None
    assert found["confusion"] == {
        "adenocarcinoma": {"adenocarcinoma": 2},
        "benign": {"adenocarcinoma": 1, "benign": 1},
        "squamous cell carcinoma": {"no answer": 1, "squamous cell carcinoma": 1},
    }
    recall = {name: figures["accuracy"] for name, figures in found["per_class"].items()}
    assert recall == {"adenocarcinoma": 1.0, "benign": 0.5, "squamous cell carcinoma": 0.5}
    assert found["per_class"]["adenocarcinoma"]["precision"] == pytest.approx(2 / 3)
    assert found["unknown"]["n"] == 2
    assert found["unknown"]["labels"] == {"colon": 2}
    assert found["unknown"]["confidently_wrong_rate"] == 0.5


@pytest.mark.parametrize(
    ("told", "column"),
    [
        ("benign", "benign"),
        ("It is Squamous-cell carcinoma.", "squamous cell carcinoma"),
        ("None of these", "none of these"),
        ("liver", "other words"),  # any text may stand there: columns must not follow it
        ("", "no answer"),
    ],
)
def test_answers_in_words_stand_in_the_matrix_beside_those_by_letter(
    told: str, column: str
) -> None:
    by_letter = [judged(item(str(n), label, "g"), label) for n, label in enumerate(LABELS)]
    in_words = judged(free_form(item("w", "benign", "g")), told)
    found = report([*by_letter, in_words])
    counts = {"benign": 1} | {column: 2 if column == "benign" else 1}
    assert found["confusion"]["benign"] == counts
    assert found["per_class"]["benign"]["precision"] == 1.0


CONSTANTS: dict[str, tuple[list[EvaluationItem], float | None]] = {
    "nothing was asked": ([], None),
    # six of three labels, the options in one order: the letter and the text are one
    "each label alike": ([item(str(n), LABELS[n % 3], "g") for n in range(6)], 1 / 3),
    "the text wins, its letter moves": (
        [
            item("1", "benign", "g", options=("benign", "mucin")),
            item("2", "benign", "g", options=("mucin", "benign")),
            item("3", "mucin", "g", options=("benign", "mucin")),
        ],
        2 / 3,
    ),
    "the letter wins, its text moves": (
        [item(name, name, "g", options=(name, "liver")) for name in ("benign", "mucin", "fat")],
        1.0,
    ),
    "a gold that is a letter": (
        [item("1", "A", "g", options=("benign", "mucin")), item("2", "A", "g", options=LABELS)],
        1.0,
    ),
    "declining is right": (
        [item("1", "none of these", "g"), item("2", "None of these.", "g")],
        1.0,
    ),
    "open questions": (
        [
            item(str(n), gold, "g", options=())
            for n, gold in enumerate(("Yes", "yes", "no", "lung"))
        ],
        0.5,
    ),
    # one constant for each type, not one for all
    "two types": (
        [
            item("1", "benign", "g"),
            item("2", "high", "g", options=("low", "high"), question_type="cellularity"),
        ],
        1.0,
    ),
}


@pytest.mark.parametrize(("items", "share"), CONSTANTS.values(), ids=CONSTANTS.keys())
def test_the_best_answer_that_never_changes(
    items: list[EvaluationItem], share: float | None
) -> None:
    assert constant(items) == (None if share is None else pytest.approx(share))


@given(st.lists(st.sampled_from(LABELS), min_size=1), st.sampled_from("ABCDE"))
def test_no_letter_beats_the_constant(golds: list[str], letter: str) -> None:
    items = [
        item(str(n), gold, "g", options=(*shuffled(LABELS, str(n)), *ABSTENTIONS))
        for n, gold in enumerate(golds)
    ]
    found = report([judged(each, letter) for each in items])
    assert found["accuracy"] <= found["constant"]
    assert found["constant"] >= 1 / 3


def test_question_types_are_told_apart() -> None:
    cells = item("c", "benign", "g9", question_type="cellularity", label=None)
    scores = replace(judged(cells, "A"), process=0.25)
    found = report([*some_answers(), scores])["per_question_type"]
    assert list(found) == ["cellularity", "diagnosis"]
    assert found["cellularity"]["n"] == 1
    assert found["cellularity"]["accuracy"] == 0.0
    assert found["cellularity"]["accuracy_high"] < 1.0
    assert found["cellularity"]["process_score"] == 0.25
    assert found["diagnosis"]["process_score"] is None


def test_a_class_is_confused_only_where_the_question_is_about_it() -> None:
    other = item("c", "benign", "g9", label="adenocarcinoma")
    assert not judged(other, "A").has_class
    assert report([judged(other, "A")])["confusion"] == {}


def test_errors_count_as_wrong_and_are_counted() -> None:
    asked = item("e", "benign", "g9")
    failed = judge_one(asked, Answer("e", "asked", "", 0, 0.0, 0.0, error="Too long."))
    found = report([*some_answers(), failed])
    assert (found["n"], found["failed"]) == (7, 1)
    assert found["accuracy"] == pytest.approx(4 / 7)
    assert found["tokens_per_s"] == pytest.approx(24)


def test_nothing_scored_gives_nulls_not_errors() -> None:
    found = report([judged(item("7", "colon", "g", scored=False), "A")])
    assert found["n"] == 0
    assert found["accuracy"] is found["accuracy_low"] is found["format_rate"] is None


def test_the_share_of_answers_that_change() -> None:
    items = [item(name, "benign", name) for name in "1234"]
    answers = {(one.id, "asked"): answer(one, "benign") for one in items}
    for one, told in zip(items, ["benign", "benign", "adenocarcinoma", "liver"], strict=True):
        answers[one.id, "permuted"] = answer(one, told, "permuted")
    asked = judge_all(items, answers, "asked")
    again = judge_all(items, answers, "permuted")
    assert again[0].item.options == permuted(items[0]).options
    found = change(asked, again)
    assert found["n"] == 4
    assert found["changed"] == 0.5
    assert (found["asked_accuracy"], found["accuracy"]) == (1.0, 0.5)


def failure(asked: EvaluationItem, arm: Arm = "asked") -> Answer:
    """What stands for an answer that did not come."""
    return Answer(asked.id, arm, "", 0, 0.0, 0.0, error="Too long.")


def test_a_failed_question_neither_changed_nor_stayed() -> None:
    items = [item(name, "benign", name) for name in "1234"]
    answers = {(one.id, "asked"): answer(one, "benign") for one in items}
    answers |= {(one.id, "permuted"): answer(one, "liver", "permuted") for one in items}
    answers["1", "asked"] = failure(items[0])
    answers["1", "permuted"] = failure(items[0], "permuted")
    answers["2", "permuted"] = failure(items[1], "permuted")
    found = change(judge_all(items, answers, "asked"), judge_all(items, answers, "permuted"))
    assert (found["n"], found["failed"], found["changed"]) == (4, 2, 1.0)
    assert (found["asked_accuracy"], found["accuracy"]) == (0.75, 0.0)


def test_a_failed_question_is_neither_confident_nor_careful() -> None:
    colon = [item(name, "colon", name, scored=False) for name in "123"]
    told = [judged(colon[0], "A"), judged(colon[1], "None of these")]
    found = report([*told, judge_one(colon[2], failure(colon[2]))])["unknown"]
    assert (found["n"], found["failed"], found["confidently_wrong_rate"]) == (3, 1, 0.5)
    alone = report([judge_one(colon[2], failure(colon[2]))])["unknown"]
    assert alone["confidently_wrong_rate"] is None


def test_a_letter_follows_its_option_when_options_are_permuted() -> None:
    asked = item("1", "benign", "g")
    answers = {("1", "asked"): answer(asked, "A"), ("1", "permuted"): answer(asked, "A")}
    first = judge_all([asked], answers, "asked")
    second = judge_all([asked], answers, "permuted")
    assert change(first, second)["changed"] == float(permuted(asked).options[0] != "adenocarcinoma")


def test_two_models_are_compared_question_by_question() -> None:
    items = [item(str(number), "benign", f"g{number // 2}") for number in range(12)]
    better = [judged(one, "B") for one in items]
    worse = [judged(one, "B" if place < 4 else "A") for place, one in enumerate(items)]
    found = compare(better, worse)
    assert found["difference"] == pytest.approx(8 / 12)
    assert 0 < found["difference_low"] < found["difference"] < found["difference_high"] <= 1
    assert found["p"] == pytest.approx(2 / 16)  # four groups of six differ, all one way
    assert (found["only_first_right"], found["only_second_right"]) == (8, 0)
    assert found["process_difference"] is None
    assert compare(worse, better)["difference"] == pytest.approx(-8 / 12)


def test_process_scores_are_compared_where_both_have_one() -> None:
    items = [item(str(number), "benign", str(number)) for number in range(3)]
    first = [replace(judged(one, "B"), process=0.9) for one in items]
    second = [replace(judged(one, "B"), process=0.5) for one in items]
    second[2] = replace(second[2], process=None)
    found = compare(first, second)
    assert found["process_difference"] == pytest.approx(0.4)
    assert found["p"] == 1.0
