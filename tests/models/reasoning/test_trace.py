"""The trace parser: total, keeps every character, never takes back what was final."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.reasoning.trace import TAGS, Piece, Problem, ReasoningTrace, Step, parse, token_span
from models.scoring import format_is_right

EMBEDDED = (
    "<think>1. Open space: low. 2. Cellularity: high. 3. Focus: sharp. 4. Pattern: glands lined by "
    "atypical cells, as in adenocarcinoma. 5. Not benign: the alveolar walls are lost.</think>"
    "<answer>B</answer>"
)
WORDS = (
    "glands", "nuclei are dark", "Fig", "e.g", "H", "2.5 um", "B", "the", "The", "no", "核深染",
    "Step 1", "Step 2:", "1.", "2.", "3)", "(1)", "10.", "1、", "2、", "①", "第一步", "- ", "* ",
    "# A", "**Title**", "**", "A. ", "*", "_", "__", "**Step 1:** ",
    "**Step 2**", "**Step 2:**", "**1.** ", "**2.** ", "__1.__ ", "__2.__ ", "1.** ", "2.** ",
    "The architecture is glandular and crowded. ",
    ". ", ".", "!", "。", "；", ": ", ":", "\n", "\n\n", "\r\n",
    "   ", " ", "---", "<", "</", "<th", ">",
)  # fmt: skip
TRACES = st.lists(st.sampled_from((*TAGS, *WORDS)), max_size=40).map("".join)
SHAPED = st.lists(st.sampled_from(WORDS), max_size=30).map(
    lambda words: f"<think>{''.join(words)}</think><answer>B</answer>"
)
TEXTS = st.one_of(TRACES, SHAPED, st.text(max_size=80))


def step_texts(text: str, *, ended: bool = True) -> list[str]:
    """The steps of a completion as texts."""
    return [step.text for step in parse(text, ended=ended).steps]


@given(TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_it_keeps_every_character(text: str, ended: bool) -> None:
    trace = parse(text, ended=ended)
    assert "".join(text[piece.start : piece.stop] for piece in trace.pieces) == text
    steps = [(piece.start, piece.stop) for piece in trace.pieces if piece.kind == "step"]
    assert steps == [(step.start, step.stop) for step in trace.steps]
    for step in trace.steps:
        assert text[step.start : step.stop] == step.text == step.text.strip() != ""
        assert step.start <= step.body_start <= step.stop


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_well_formed_is_what_the_reward_calls_so_and_has_no_problems(text: str) -> None:
    trace = parse(text)
    assert trace.well_formed == format_is_right(text) == (not trace.problems)
    assert trace.answer_final and all(step.final for step in trace.steps)
    assert not trace.well_formed or trace.answer


def assert_agrees(shorter: ReasoningTrace, longer: ReasoningTrace) -> None:
    """What was final in a shorter text stands in the longer one, at the same place."""
    final = [step for step in shorter.steps if step.final]
    assert list(longer.steps[: len(final)]) == final
    if shorter.answer_final:
        assert longer.answer_final
        assert (longer.answer, longer.answer_span) == (shorter.answer, shorter.answer_span)
    assert set(shorter.problems) <= set(longer.problems)


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_a_stream_never_takes_back_what_was_final(text: str) -> None:
    last = parse("", ended=False)
    for length in range(len(text) + 1):
        trace = parse(text[:length], ended=False)
        assert_agrees(last, trace)
        assert not trace.well_formed
        last = trace
    assert_agrees(last, parse(text))


CROWDED = "The architecture is glandular and crowded."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("**Step 1:** ", "**Step 2**: "),
        ("**Step 1:** ", "**Step 2:** "),
        ("**Step 1** ", "**Step 2** "),
        ("__Step 1:__ ", "__Step 2:__ "),
        ("**1.** ", "**2.** "),
        ("__1.__ ", "__2.__ "),
        ("1.** ", "2.** "),
        ("**1**. ", "**2**. "),
        ("**1)** ", "**2)** "),
        ("步骤一：", "**步骤二：**"),
    ],
)
def test_bold_numbers_carry_a_list_on_and_are_not_taken_back(first: str, second: str) -> None:
    text = f"<think>{first}{CROWDED} {second}"
    for rest in ("", "\nDark.", "Dark.", "</think>"):
        last = parse("", ended=False)
        for length in range(len(text + rest) + 1):
            trace = parse((text + rest)[:length], ended=False)
            assert_agrees(last, trace)
            last = trace
        assert_agrees(last, parse(text + rest))
    assert step_texts(f"{text}Dark.") == [f"{first}{CROWDED}", f"{second}Dark."]


def test_final_steps_come_before_the_rest() -> None:
    for length in range(len(EMBEDDED) + 1):
        flags = [step.final for step in parse(EMBEDDED[:length], ended=False).steps]
        assert flags == sorted(flags, reverse=True)


def test_steps_become_final_while_the_embedded_model_writes() -> None:
    written = EMBEDDED[: EMBEDDED.index("ocus")]
    trace = parse(written, ended=False)
    assert [step.text for step in trace.steps if step.final] == [
        "1. Open space: low.",
        "2. Cellularity: high.",
    ]
    assert trace.answer is None and not trace.answer_final and trace.problems == ()


def test_a_trace_of_the_embedded_model() -> None:
    trace = parse(EMBEDDED)
    assert trace.well_formed and trace.problems == () and trace.answer == "B"
    assert [step.text[0] for step in trace.steps] == list("12345")
    assert EMBEDDED[trace.steps[3].body_start : trace.steps[3].stop].strip().startswith("Pattern")
    assert trace.steps[0] == Step("1. Open space: low.", 7, 26, 9, True)
    assert trace.pieces[:3] == (Piece("tag", 0, 7), Piece("step", 7, 26), Piece("gap", 26, 27))


@pytest.mark.parametrize(
    ("text", "steps", "answer", "problems"),
    [
        ("", [], None, {Problem.NO_THINK, Problem.NO_ANSWER}),
        (" \n", [], None, {Problem.NO_THINK, Problem.NO_ANSWER}),
        # no tags at all: the text is still read as steps
        (
            "Glands. So B.",
            ["Glands.", "So B."],
            None,
            {Problem.NO_THINK, Problem.NO_ANSWER, Problem.OUTSIDE},
        ),
        # templates that open the reasoning themselves leave the first tag out
        (
            "Glands.</think><answer>B</answer>",
            ["Glands."],
            "B",
            {Problem.NO_THINK, Problem.STRAY_CLOSE, Problem.OUTSIDE},
        ),
        ("<think>Glands", ["Glands"], None, {Problem.THINK_OPEN, Problem.NO_ANSWER}),
        ("<think>Glands.</th", ["Glands.</th"], None, {Problem.THINK_OPEN, Problem.NO_ANSWER}),
        ("<think>Glands.</think>", ["Glands."], None, {Problem.NO_ANSWER}),
        ("<think>Glands.</think><answer>B", ["Glands."], "B", {Problem.ANSWER_OPEN}),
        ("<think>Glands.</think><answer> ", ["Glands."], None, {Problem.ANSWER_OPEN}),
        ("<think> </think><answer>B</answer>", [], "B", {Problem.EMPTY_THINK}),
        ("<think>a.</think><answer> </answer>", ["a."], None, {Problem.EMPTY_ANSWER}),
        # answer first: it counts
        (
            "<answer>B</answer><think>Glands.</think>",
            ["Glands."],
            "B",
            {Problem.ANSWER_FIRST},
        ),
        # text after the answer is kept, but it is no step
        ("<think>a.</think><answer>B</answer> Bye.", ["a."], "B", {Problem.OUTSIDE}),
        ("Hi. <think>a.</think><answer>B</answer>", ["Hi.", "a."], "B", {Problem.OUTSIDE}),
        (
            "<think>a.</think> b. <answer>B</answer>",
            ["a.", "b."],
            "B",
            {Problem.OUTSIDE},
        ),
        # repeated: the first answer counts, all reasoning is shown
        (
            "<think>a.</think><answer>B</answer><think>c.</think><answer>A</answer>",
            ["a.", "c."],
            "B",
            {Problem.SECOND_THINK, Problem.SECOND_ANSWER},
        ),
        ("<think>a.</think><answer></answer><answer>A</answer>", ["a."], "A",
         {Problem.EMPTY_ANSWER, Problem.SECOND_ANSWER}),
        ("<think>a.</think><answer>A<answer>B</answer>", ["a."], "B",
         {Problem.NESTED, Problem.SECOND_ANSWER}),
        # nested
        ("<think>a. <think>b.</think></think><answer>B</answer>", ["a.", "b."], "B",
         {Problem.NESTED, Problem.SECOND_THINK, Problem.STRAY_CLOSE}),
        ("<think>a. <answer>B</answer> b.</think>", ["a.", "b."], "B", {Problem.NESTED}),
        ("<think>a. <answer>B</answer>", ["a."], "B", {Problem.NESTED, Problem.THINK_OPEN}),
        # reasoning that only speaks of the tag
        ("<think>I put it in <answer> tags.</think><answer>B</answer>",
         ["I put it in", "tags."], "B", {Problem.NESTED, Problem.SECOND_ANSWER}),
        ("<answer>B<think>a.</think>", ["a."], "B",
         {Problem.NESTED, Problem.ANSWER_FIRST}),
        ("<think>a.</think><answer>B</think>", ["a."], "B", {Problem.STRAY_CLOSE}),
        ("<think>a.</answer> b.</think><answer>B</answer>", ["a.", "b."], "B",
         {Problem.STRAY_CLOSE}),
        # only the exact tags are tags, as for the reward
        ("<think>x <5 um and <b>y</b>, a > b.</think><answer>B</answer>",
         ["x <5 um and <b>y</b>, a > b."], "B", set()),
        ("<Think>a.</Think>", ["<Think>a.</Think>"], None,
         {Problem.NO_THINK, Problem.NO_ANSWER, Problem.OUTSIDE}),
        ("\n<think>\na.\n</think>\n\n<answer>\nB. adenocarcinoma\n</answer>\n", ["a."],
         "B. adenocarcinoma", set()),
        ("<think>...</think><answer>B</answer>", [], "B", set()),
    ],
)  # fmt: skip
def test_odd_completions(
    text: str, steps: list[str], answer: str | None, problems: set[Problem]
) -> None:
    trace = parse(text)
    assert [step.text for step in trace.steps] == steps
    assert trace.answer == answer
    assert set(trace.problems) == problems
    assert trace.well_formed == (not problems)


def test_a_tag_that_is_half_there_is_not_shown_as_text() -> None:
    for half in ("<", "</", "</thin", "</think"):
        assert step_texts(f"<think>Dark.{half}", ended=False) == ["Dark."]
    assert step_texts("<think>Dark <5 um", ended=False) == ["Dark <5 um"]


def test_an_answer_in_the_making_is_shown_but_not_final() -> None:
    trace = parse("<think>a.</think><answer>aden", ended=False)
    assert (trace.answer, trace.answer_final) == ("aden", False)
    assert parse("<think>a.</think><answer>B</answer>", ended=False).answer_final


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 5, range(2)),  # "12345" in "123" and "456": the straddling token is in
        (3, 6, range(1, 2)),
        (4, 4, range(0)),
        (6, 7, range(2, 5)),  # three tokens that make up one character
        (7, 9, range(5, 6)),
        (0, 99, range(6)),
        (50, 60, range(6, 6)),
    ],
)
def test_the_tokens_of_a_span(start: int, stop: int, expected: range) -> None:
    assert token_span(start, stop, (3, 6, 6, 6, 7, 9)) == expected


def test_a_text_without_tokens_has_no_span() -> None:
    assert token_span(0, 5, ()) == range(0)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.data())
def test_tokens_of_neighbouring_spans_cover_all(lengths: list[int], data: st.DataObject) -> None:
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    middle = data.draw(st.integers(0, ends[-1]))
    parts = [*token_span(0, middle, ends), *token_span(middle, ends[-1], ends)]
    last = max((index for index, length in enumerate(lengths) if length), default=-1)
    assert set(range(last + 1)) <= set(parts)


@pytest.mark.parametrize(
    "text",
    ["1. a. " * 4000, "<think>" * 4000, "<" * 20_000, "- \n" * 8000, ". " * 10_000, " " * 20_000,
     "**a" * 7000, "<answer>B</answer>" * 1500, "e.g." * 5000, "\n" * 20_000, "# A\n" * 5000],
)  # fmt: skip
def test_long_texts_take_no_time(text: str) -> None:
    start = time.perf_counter()
    parse(text)
    assert time.perf_counter() - start < 1.5
