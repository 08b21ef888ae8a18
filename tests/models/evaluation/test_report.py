"""The figures made of judged answers, against sets small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.answer_store import Arm, RecordedAnswer
from models.evaluation.items import EvaluationItem, shuffle_options, without_options
from models.evaluation.option_permutation import reorder_options
from models.evaluation.report import compare, constant_answer_share, figures_of_change, report
from models.evaluation.scored_answer import ScoredAnswer, score_answer, score_answers
from models.scoring import ABSTENTIONS
from tests.models.evaluation.made_answers import LABELS, answer, item, judged


def some_answers() -> list[ScoredAnswer]:
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
    in_words = judged(without_options(item("w", "benign", "g")), told)
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
    assert constant_answer_share(items) == (None if share is None else pytest.approx(share))


@given(st.lists(st.sampled_from(LABELS), min_size=1), st.sampled_from("ABCDE"))
def test_no_letter_beats_the_constant(golds: list[str], letter: str) -> None:
    items = [
        item(str(n), gold, "g", options=(*shuffle_options(LABELS, str(n)), *ABSTENTIONS))
        for n, gold in enumerate(golds)
    ]
    found = report([judged(each, letter) for each in items])
    assert found["accuracy"] <= found["constant"]
    assert found["constant"] >= 1 / 3


def test_right_answers_in_any_format_and_those_cut_off_are_counted() -> None:
    asked = item("1", "benign", "g")
    texts = {
        "I think the answer is B.": (False, True),
        r"So it is \boxed{B}": (False, True),
        "Adenocarcinoma is unlikely. Benign tissue": (False, True),
        "It is benign, or rather adenocarcinoma": (False, False),
        "<think>Benign.</think><answer>A</answer>": (False, False),
        "<think>Glands.</think><answer>B</answer>": (True, True),
        "Nothing is seen": (False, False),
    }
    answers = [RecordedAnswer("1", "asked", text, 9, 1, 1, finish="stop") for text in texts]
    scored = [score_answer(asked, one) for one in answers]
    assert [(one.right, one.lenient_right) for one in scored] == list(texts.values())
    cut = replace(scored[-1], answer=replace(answers[-1], finish="length"))
    found = report([*scored, cut])
    assert (found["accuracy"], found["lenient_accuracy"]) == (1 / 8, 4 / 8)
    assert found["cut_off"] == 1
    assert report(scored)["cut_off"] == 0


def test_guessing_counts_open_questions_as_wrong() -> None:
    with_options, is_open = item("1", "benign", "g"), item("2", "yes", "g", options=())
    found = report([judged(with_options, "B"), judged(is_open, "yes")])
    assert found["chance"] == pytest.approx(1 / 5 / 2)
    assert report([judged(is_open, "yes")])["chance"] is None


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
    failed = score_answer(asked, RecordedAnswer("e", "asked", "", 0, 0.0, 0.0, error="Too long."))
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
    answers: dict[tuple[str, Arm], RecordedAnswer] = {
        (one.id, "asked"): answer(one, "benign") for one in items
    }
    for one, told in zip(items, ["benign", "benign", "adenocarcinoma", "liver"], strict=True):
        answers[one.id, "permuted"] = answer(one, told, "permuted")
    asked = score_answers(items, answers, "asked")
    again = score_answers(items, answers, "permuted")
    assert again[0].item.options == reorder_options(items[0]).options
    found = figures_of_change(asked, again)
    assert found["n"] == 4
    assert found["changed"] == 0.5
    assert (found["asked_accuracy"], found["accuracy"]) == (1.0, 0.5)


def failure(asked: EvaluationItem, arm: Arm = "asked") -> RecordedAnswer:
    """What stands for an answer that did not come."""
    return RecordedAnswer(asked.id, arm, "", 0, 0.0, 0.0, error="Too long.")


def test_a_failed_question_neither_changed_nor_stayed() -> None:
    items = [item(name, "benign", name) for name in "1234"]
    answers: dict[tuple[str, Arm], RecordedAnswer] = {
        (one.id, "asked"): answer(one, "benign") for one in items
    }
    answers |= {(one.id, "permuted"): answer(one, "liver", "permuted") for one in items}
    answers["1", "asked"] = failure(items[0])
    answers["1", "permuted"] = failure(items[0], "permuted")
    answers["2", "permuted"] = failure(items[1], "permuted")
    found = figures_of_change(
        score_answers(items, answers, "asked"), score_answers(items, answers, "permuted")
    )
    assert (found["n"], found["failed"], found["changed"]) == (4, 2, 1.0)
    assert (found["asked_accuracy"], found["accuracy"]) == (0.75, 0.0)


def test_a_failed_question_is_neither_confident_nor_careful() -> None:
    colon = [item(name, "colon", name, scored=False) for name in "123"]
    told = [judged(colon[0], "A"), judged(colon[1], "None of these")]
    found = report([*told, score_answer(colon[2], failure(colon[2]))])["unknown"]
    assert (found["n"], found["failed"], found["confidently_wrong_rate"]) == (3, 1, 0.5)
    alone = report([score_answer(colon[2], failure(colon[2]))])["unknown"]
    assert alone["confidently_wrong_rate"] is None


def test_a_letter_follows_its_option_when_options_are_permuted() -> None:
    asked = item("1", "benign", "g")
    answers: dict[tuple[str, Arm], RecordedAnswer] = {
        ("1", "asked"): answer(asked, "A"),
        ("1", "permuted"): answer(asked, "A"),
    }
    first = score_answers([asked], answers, "asked")
    second = score_answers([asked], answers, "permuted")
    assert figures_of_change(first, second)["changed"] == float(
        reorder_options(asked).options[0] != "adenocarcinoma"
    )


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
