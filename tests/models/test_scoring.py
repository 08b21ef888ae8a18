"""One rule of right and wrong, on the ways models and data sets write an answer."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.scoring import (
    answer_is_right,
    format_is_right,
    letter,
    normalise_text,
    option_index,
    without_letters,
)

LUNG = ("adenocarcinoma", "benign lung tissue", "squamous cell carcinoma", "None of these")


@pytest.mark.parametrize(
    ("answer", "index"),
    [
        ("A", 0),
        ("c", 2),
        ("(C)", 2),
        ("C.", 2),
        ("C)", 2),
        ("**C**", 2),
        ("**C**: squamous cell carcinoma", 2),
        ("**C:** squamous cell carcinoma", 2),
        ("**C)** glands are absent", 2),
        ("__C__. squamous cell carcinoma", 2),
        ("*C*: squamous cell carcinoma", 2),
        ("`C`: squamous cell carcinoma", 2),
        ("The answer is **C**: squamous cell carcinoma", 2),
        ("**Answer:** **C**: squamous cell carcinoma", 2),
        ("**C**: benign lung tissue", None),
        ("**A** or **B**", None),
        ("C. squamous cell carcinoma", 2),
        ("C squamous cell carcinoma", 2),
        ("c) Squamous-cell carcinoma.", 2),
        ("Squamous_cell_carcinoma", 2),
        ("The answer is B", 1),
        ("Answer: B", 1),
        ("option D", 3),
        ("The correct answer is (B) benign lung tissue.", 1),
        ("It is an adenocarcinoma.", 0),
        ("none of these", 3),
        ("A: because glands are formed", 0),
        ("A. squamous cell carcinoma", None),  # letter and text disagree
        ("C!", 2),  # stray punctuation
        ("(C", 2),
        ("-C-", 2),
        ("C?", 2),
        ("«C»", 2),
        ("The answer is: C!", 2),
        ("A: glands, e.g. acini, and H. pylori", 0),
        ("B) benign lung tissue: alveoli are thin.", 1),
        ("C. it is type B of Smith et al.", 2),
        ("A, B", None),  # two options
        ("A B", None),
        ("a b", None),
        ("a c", None),
        ("(a) (c)", None),
        ("A/B", None),
        ("Answer: A, C", None),
        ("Answer: a c", None),
        ("A) or B)", None),
        ("A) or B", None),
        ("A or B)", None),
        ("a) or b)", None),
        ("(A), (B)", None),
        ("A. B. C.", None),
        ("A.B.C.", None),
        ("a. b. c.", None),
        ("A: B, C", None),
        ("Option A) or option B)", None),
        ("A) adenocarcinoma or B) benign lung tissue", None),
        ("A) adenocarcinoma, benign lung tissue", None),
        ("A) adenocarcinoma, B benign lung tissue", None),
        ("A: or Benign-lung tissue", None),
        ("A) is wrong, B) is right", None),
        ("A) is wrong, B is right", None),
        ("A and B", None),
        ("A or C", None),
        ("A benign lesion", None),  # an article, not a letter
        ("adenocarcinoma or squamous cell carcinoma", None),
        ("not adenocarcinoma", None),
        ("E", None),  # no such option
        ("carcinoma", None),
        ("", None),
        ("  ", None),
        (None, None),
        ("鳞癌", None),
    ],
)
def test_the_option_that_an_answer_names(answer: str | None, index: int | None) -> None:
    assert option_index(answer, LUNG) == index


@pytest.mark.parametrize(
    ("answer", "options", "index"),
    [
        ("A) small cell carcinoma of the lung", ("small cell carcinoma", "carcinoma"), 0),
        ("B) carcinoma, not small cell carcinoma", ("small cell carcinoma", "carcinoma"), None),
        ("A) a B cell lymphoma", ("B cell lymphoma", "T cell lymphoma"), 0),
        ("a B cell lymphoma", ("B cell lymphoma", "T cell lymphoma"), 0),
        ("A B cell lymphoma", ("B cell lymphoma", "T cell lymphoma"), 0),
        ("A: there is no sign of it", ("yes", "no"), None),
        ("a b", ("a b", "c d"), 0),
        ("A: E. coli", ("one", "two"), 0),  # no such option
        ("B) A-A", ("AA", "A-A"), 1),  # the label agrees with its text, be that letters too
        ("B) A-A", ("B A-A", "A-A"), 1),  # what follows is that option's text
        ("B A-A", ("B A-A", "A-A"), 0),  # without a label the text decides
        ("A) B", ("AB", "B"), None),  # the label and another option's text
        ("B) same", ("same", "Same"), 1),  # ambiguous only without a label
        ("same", ("same", "Same"), None),
    ],
)
def test_words_beside_a_letter(answer: str, options: tuple[str, ...], index: int | None) -> None:
    assert option_index(answer, options) == index


@pytest.mark.parametrize(
    ("answer", "options", "gold", "right"),
    [
        ("A", LUNG, "adenocarcinoma", True),
        ("adenocarcinoma", LUNG, "A", True),
        ("B", LUNG, "A", False),
        ("B", ("A) yes", "B) no"), "B) no", True),  # sets that write letters into options
        ("no", ("A) yes", "B) no"), "B", True),
        ("x", LUNG, "a gold that is no option", False),
        ("adenocarcinoma", (), "Adenocarcinoma.", True),
        ("The diagnosis is adenocarcinoma", (), "adenocarcinoma", True),
        ("carcinoma", (), "adenocarcinoma", False),
        ("Yes, there is tumour.", (), "yes", True),
        ("Yes and no", (), "yes", False),
        ("not sure", (), "no", False),
        (None, (), "yes", False),
        ("", (), "", False),
        ("< 5 %", ("< 5 %", "> 5 %"), "B", False),  # signs carry meaning
        ("HER2+", ("HER2+", "HER2-"), "A", True),
        ("1.5", ("15", "1.5"), "B", True),
        ("same", ("same", "Same"), "same", False),  # a gold that fits two options fits none
        ("B", ("same", "Same"), "B", True),
    ],
)
def test_right_and_wrong(
    answer: str | None, options: tuple[str, ...], gold: str, right: bool
) -> None:
    assert answer_is_right(answer, options, gold) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("<think>Glands.</think><answer>A</answer>", True),
        ("\n<think>\nGlands.\n</think>\n<answer>\nA\n</answer>\n", True),
        ("<think>Glands.</think><answer>A</answer> and more", False),
        ("Well: <think>Glands.</think><answer>A</answer>", False),
        ("<think></think><answer>A</answer>", False),
        ("<think>Glands.</think><answer> </answer>", False),
        ("<think>a<think>b</think></think><answer>A</answer>", False),
        ("<think>a</think><answer>A</answer><answer>B</answer>", False),
        ("<answer>A</answer><think>a</think>", False),
        ("<think>a</think><answer>A", False),
        ("A", False),
        ("", False),
    ],
)
def test_format(text: str, right: bool) -> None:
    assert format_is_right(text) is right


def test_letters_are_taken_off_only_when_all_options_carry_theirs() -> None:
    assert without_letters(["A) one", "B) two"]) == ["one", "two"]
    assert without_letters(["(A) one", "(B) two"]) == ["one", "two"]
    assert without_letters(["B) one", "A) two"]) == ["B) one", "A) two"]
    assert without_letters(["A. fumigatus"]) == ["A. fumigatus"]
    assert without_letters(["one", "two"]) == ["one", "two"]


options_strategy = st.lists(
    st.text(alphabet=string.ascii_letters + " -", min_size=2, max_size=20).filter(
        lambda text: len(normalise_text(text)) > 1
    ),
    min_size=2,
    max_size=6,
    unique_by=normalise_text,
)


@given(options_strategy, st.data())
def test_every_option_is_named_by_its_letter_and_its_text(
    options: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(options) - 1))
    assert option_index(options[place], options) == place
    assert option_index(letter(place), options) == place
    assert option_index(f"{letter(place)}) {options[place]}", options) == place


@given(st.text(), st.lists(st.text(), max_size=5), st.text())
def test_no_text_is_too_odd(answer: str, options: list[str], gold: str) -> None:
    answer_is_right(answer, options, gold)
    format_is_right(answer)
