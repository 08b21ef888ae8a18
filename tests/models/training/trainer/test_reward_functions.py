"""The rewards as TRL calls them, and what an abstention comes to in its sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from models.errors import ModelError
from models.judges.base import JudgeInput, JudgeVerdict
from models.training.specimen.claims import MeasuredClaimsJudge
from models.training.specimen.facts_column import facts_column
from models.training.specimen.grammar import Facts, write_trace
from models.training.trainer.reward_functions import (
    ProcessReward,
    accuracy_reward,
    build_judge_inputs,
    completion_text,
    fill_missing_rewards,
    format_reward,
    score_floor,
)

FACTS = Facts({"tissue": ("present",), "focus": ("sharp",), "cellularity": ("high",)})
OPTIONS = ["low", "high", "none of these"]
GOOD = write_trace("cellularity", FACTS, OPTIONS, "B")
WRONG = GOOD.replace("Cellularity: high", "Cellularity: low").replace(">B<", ">A<")


def call(reward: Any, texts: Sequence[str], **changed: Any) -> list[float | None]:
    """A reward called as the trainer does, with messages and all columns repeated."""
    columns: dict[str, list[Any]] = {
        "gold": ["high"],
        "options": [OPTIONS],
        "item_id": ["1"],
        "question": ["How cellular is this region?"],
        "question_type": ["cellularity"],
        "facts": [facts_column(FACTS)],
    }
    metrics: dict[str, float] = {}
    return reward(  # type: ignore[no-any-return]
        prompts=[[{"role": "user", "content": "?"}]] * len(texts),
        completions=[[{"role": "assistant", "content": text}] for text in texts],
        completion_ids=[[1, 2]] * len(texts),
        trainer_state=object(),
        log_extra=print,
        log_metric=metrics.__setitem__,
        **{name: values * len(texts) for name, values in columns.items()} | changed,
    )


def test_format() -> None:
    cut = GOOD.removesuffix("</answer>")
    assert call(format_reward, [GOOD, cut, GOOD + " So.", "high"]) == [1.0, 0.0, 0.0, 0.0]


def test_accuracy() -> None:
    in_words = GOOD.replace(">B<", "> High. <")
    assert call(accuracy_reward, [GOOD, WRONG, in_words, ""]) == [1.0, 0.0, 1.0, 0.0]
    letter = call(accuracy_reward, [GOOD, WRONG], gold=["B", "B"])
    assert letter == [1.0, 0.0]
    open_question = call(accuracy_reward, [in_words, GOOD], options=[None, []])
    assert open_question == [1.0, 0.0]


def test_process() -> None:
    reward = ProcessReward(MeasuredClaimsJudge())
    # all right; one of three wrong; nothing said; no reasoning at all
    no_claims = "<think>Hm.</think><answer>B</answer>"
    assert call(reward, [GOOD, WRONG, no_claims, "<answer>B</answer>"]) == [
        1.0,
        pytest.approx(2 / 3),
        0.0,
        0.0,
    ]


class EverySecond:
    """Abstains on every second trace, and gives a half to the others."""

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        """Verdicts."""
        return [None if index % 2 else JudgeVerdict(0.5) for index, _ in enumerate(traces)]


def test_an_abstention_is_neither_for_nor_against() -> None:
    texts = [GOOD] * 4
    assert call(ProcessReward(EverySecond(), fill=False), texts) == [0.5, None, 0.5, None]
    assert call(ProcessReward(EverySecond()), texts) == [0.5] * 4
    apart = call(ProcessReward(EverySecond()), texts, item_id=["1", "2", "3", "4"])
    assert apart == [0.5, None, 0.5, None]  # nothing known of items 2 and 4


def test_a_trace_of_empty_phrases_earns_the_floor() -> None:
    row = {
        "item_id": "1",
        "question_type": "cellularity",
        "options": OPTIONS,
        "gold": "high",
        "facts": facts_column(FACTS),
    }
    rows = [row | {"item_id": str(number)} for number in range(4)]
    measured = score_floor(MeasuredClaimsJudge(), rows)
    assert (measured["n"], measured["abstained"]) == (4, 0)
    assert 0 <= measured["process_floor"] < 0.1
    floor = score_floor(EverySecond(), rows)
    assert (floor["n"], floor["abstained"]) == (4, 2)


def test_filled_by_group() -> None:
    assert fill_missing_rewards([1.0, None, 0.0, None], ["a", "a", "a", "b"]) == [
        1.0,
        0.5,
        0.0,
        None,
    ]
    assert fill_missing_rewards([], []) == []


def test_abstentions_are_told() -> None:
    told: dict[str, float] = {}
    ProcessReward(EverySecond())(
        completions=[GOOD, GOOD], item_id=["1", "1"], log_metric=told.__setitem__
    )
    assert told == {"process_abstained": 0.5}


def test_columns_become_traces() -> None:
    (trace,) = build_judge_inputs(
        ["x"], {"item_id": ["7"], "images": [[b"png"]], "options": [None], "trainer_state": 3}
    )
    assert (trace.id, trace.images, trace.options, trace.facts) == ("7", (b"png",), (), None)
    (trace,) = build_judge_inputs(["x"], {"item_id": ["7"], "image": [b"png"]})
    assert trace.images == (b"png",)
    with pytest.raises(ModelError, match="item_id"):
        build_judge_inputs(["x"], {})


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("a", "a"),
        ([{"role": "assistant", "content": "a"}], "a"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "a"}]}], "a"),
        ([{"role": "assistant", "content": None}], ""),
        ([], ""),
    ],
)
def test_completions_as_trainers_give_them(completion: Any, text: str) -> None:
    assert completion_text(completion) == text
