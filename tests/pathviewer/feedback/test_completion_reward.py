"""Editing a trace touches the edited steps and nothing else; spans count as JavaScript does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pathviewer.feedback.completion_reward import CompletionText

words = st.text(alphabet="ab 🔬é", min_size=1, max_size=12).map(lambda text: f"x{text}".strip())


@st.composite
def traces(draw: st.DrawFn) -> tuple[list[str], str]:
    """Steps, and the completion that they make."""
    steps = [f"{number}. {draw(words)}." for number in range(1, draw(st.integers(2, 5)))]
    return steps, "<think>" + "\n".join(steps) + "</think><answer>B</answer>"


@given(traces(), st.data())
def test_the_other_steps_stay_as_they_are(made: tuple[list[str], str], data: st.DataObject) -> None:
    steps, text = made
    judged = CompletionText(text)
    assert [step.text for step in judged.trace.steps] == steps
    places = st.integers(0, len(steps) - 1)
    edits = data.draw(st.dictionaries(places, st.one_of(st.none(), words), max_size=len(steps)))
    after = [edits.get(place, step) for place, step in enumerate(steps)]
    edited = judged.apply_edits(edits)
    position = 0
    for step in filter(None, after):
        position = edited.index(step, position) + len(step)
    left = "".join(edited.split())
    assert left == "".join(
        f"<think>{''.join(filter(None, after))}</think><answer>B</answer>".split()
    )
    assert judged.apply_edits({}) == text


@given(traces(), st.data())
def test_a_quote_is_found_where_its_units_say(
    made: tuple[list[str], str], data: st.DataObject
) -> None:
    judged = CompletionText(made[1])
    step = data.draw(st.sampled_from(judged.trace.steps))
    start = data.draw(st.integers(0, len(step.text) - 1))
    quote = step.text[start : data.draw(st.integers(start + 1, len(step.text)))]
    span = judged.find_quote(step, quote)
    assert span is not None
    assert judged.text_between(*span) == quote
