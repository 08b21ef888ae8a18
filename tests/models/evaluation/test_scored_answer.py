"""Judging one answer: what was said, whether it is right, and whether it was confident."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.answer_store import RecordedAnswer
from models.evaluation.items import EvaluationItem, without_options
from models.evaluation.report import report
from models.evaluation.scored_answer import score_answer
from models.scoring import answer_is_right
from tests.models.evaluation.made_answers import LABELS, answer, item, judged


def test_one_answer_is_judged() -> None:
    found = judged(item("1", "benign", "g"), "B")
    assert found.right
    assert found.formatted
    assert (found.steps, found.canonical_text, found.prediction) == (2, "benign", "benign")
    assert found.process is None
    assert found.has_class
    assert not found.is_confidently_wrong


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
    assert found.is_confidently_wrong is wrong
    assert found.prediction == predicted


@pytest.mark.parametrize("told", ["C!", "(C", "-C-", "**C**.", "c) Squamous-cell carcinoma"])
def test_stray_punctuation_counts_nowhere(told: str) -> None:
    found = judged(item("1", "squamous cell carcinoma", "g"), told)
    assert found.right
    assert found.prediction == "squamous cell carcinoma"
    assert not found.is_confidently_wrong
    assert judged(item("1", "benign", "g"), told).is_confidently_wrong


@pytest.mark.parametrize("told", ["A, B", "A B", "a b", "Answer: A, C", "A) or B)", "The A, B"])
def test_an_answer_that_names_two_options_names_none_anywhere(told: str) -> None:
    for gold in LABELS:
        found = judged(item("1", gold, "g"), told)
        assert not found.right
        assert found.prediction == "no answer"
        assert not found.is_confidently_wrong
        assert report([found])["confusion"] == {gold: {"no answer": 1}}


@given(
    st.text(alphabet="ABCDEabcde ,.:;()!-*or", max_size=8),
    st.sampled_from(LABELS),
)
def test_score_confusion_and_confidence_read_the_same_answer(told: str, gold: str) -> None:
    asked = item("1", gold, "g")
    found = judged(asked, told)
    assert found.right == (found.prediction == gold)
    assert found.right == answer_is_right(told.strip() or None, asked.options, gold)
    assert found.is_confidently_wrong == (found.prediction in LABELS and not found.right)


def test_abstaining_by_a_letter_that_the_set_wrote_is_not_confident() -> None:
    asked = item("1", "A) benign", "g", options=("A) benign", "B) malignant", "C) None of these"))
    assert not judged(asked, "C").is_confidently_wrong
    assert judged(asked, "B").is_confidently_wrong


def test_a_free_answer_is_confident_unless_it_abstains() -> None:
    open_question = without_options(item("1", "benign", "g"))
    assert judged(open_question, "melanoma").is_confidently_wrong
    assert not judged(open_question, "Cannot assess from this region").is_confidently_wrong
    assert judged(open_question, "Benign.").right


@pytest.mark.parametrize("text", ["", "B", "<answer>B", "<think>B</think>", "<think>x"])
def test_completions_out_of_form_are_judged_all_the_same(text: str) -> None:
    asked = item("1", "benign", "g")
    found = score_answer(asked, RecordedAnswer("1", "asked", text, 1, 0.1, 0.1))
    assert not found.formatted


def test_the_process_judge_sees_completion_and_question_and_may_abstain() -> None:
    asked = item("1", "benign", "g", facts={"nuclei": 7})
    seen = []

    def judge(text: str, told: EvaluationItem) -> float | None:
        seen.append((text, told))
        return 0.8 if told.facts else None

    assert score_answer(asked, answer(asked, "B"), judge).process == 0.8
    assert seen[0][1] == asked
    assert score_answer(replace(asked, facts={}), answer(asked, "B"), judge).process is None
    error = RecordedAnswer("1", "asked", "", 0, 0.0, 0.0, error="Too long.")
    assert score_answer(asked, error, judge).process is None
    assert len(seen) == 2
