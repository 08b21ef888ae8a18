"""Parts of `models.reward` as functions for TRL's GRPOTrainer: format, accuracy and process.

The trainer multiplies each by its weight and sums them.

Each function takes lists with one entry per completion, and the data set's columns by name, and
returns a list of rewards, None where it abstains. The columns are `gold`, `options` (null or empty
for an open question), `item_id`, `question`, `question_type`, `facts` (as from
`facts_column.facts_column`) and `images`; `gold` is required, the others as far as the judge uses
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.errors import ModelError
from models.judges.base import Judge, JudgeInput, process_scores
from models.reasoning.trace import parse
from models.reward import right_or_wrong
from models.scoring import answer_is_right, format_is_right
from models.training.specimen.facts_column import read_facts

Completion = str | Sequence[Mapping[str, Any]]
"""A text, or the messages of a conversation."""
Rewards = list[float | None]
EMPTY_PHRASES = """<think>
1. The picture shows tissue with several features.
2. The findings are weighed against each of the options.
3. Medical knowledge of this tissue supports the conclusion.
</think>
<answer>A</answer>"""
"""A trace that fits every picture and question, and should earn nothing."""


def format_reward(*, completions: Sequence[Completion], **_: Any) -> Rewards:
    """RIGHT if the completion is `<think>...</think><answer>...</answer>`, else WRONG."""
    return [right_or_wrong(format_is_right(completion_text(each))) for each in completions]


def accuracy_reward(
    *,
    completions: Sequence[Completion],
    gold: Sequence[str],
    options: Sequence[Sequence[str] | None] | None = None,
    **_: Any,
) -> Rewards:
    """RIGHT if the answer names the correct option by letter or text, else WRONG."""
    offered = options or [None] * len(completions)
    return [
        right_or_wrong(
            answer_is_right(parse(completion_text(completion)).answer, choices or (), right)
        )
        for completion, choices, right in zip(completions, offered, gold, strict=True)
    ]


class ProcessReward:
    """R_process of a judge, 0 for a completion without reasoning.

    TRL sums a completion's rewards and counts an abstention as 0, which would penalise it relative
    to its siblings. So an abstention is replaced by the mean for the other completions of the same
    item, which is neutral; None if the judge scored none of them.
    """

    __name__ = "process_reward"

    def __init__(self, judge: Judge, *, fill: bool = True) -> None:
        """`fill=False` leaves abstentions as None, for trainers that support them."""
        self._judge = judge
        self._fill = fill

    def __call__(
        self,
        *,
        completions: Sequence[Completion],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> Rewards:
        """Rewards, 0..1; logs the share of abstentions to the trainer's metrics."""
        texts = [completion_text(completion) for completion in completions]
        traces = build_judge_inputs(texts, columns)
        rewards = process_scores(self._judge, traces)
        if log_metric and rewards:
            log_metric("process_abstained", rewards.count(None) / len(rewards))
        return (
            fill_missing_rewards(rewards, [trace.id for trace in traces]) if self._fill else rewards
        )


def score_floor(judge: Judge, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a trace of empty phrases earns from a judge on one or more rows: the floor of R_process.

    `process_floor` is the mean over the rows that were judged, None if there are none; `n` is the
    number of rows, `abstained` that of those not judged.
    """
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    scores = process_scores(judge, build_judge_inputs([EMPTY_PHRASES] * len(rows), columns))
    known = [score for score in scores if score is not None]
    floor = sum(known) / len(known) if known else None
    return {"process_floor": floor, "n": len(scores), "abstained": len(scores) - len(known)}


def fill_missing_rewards(rewards: Sequence[float | None], groups: Sequence[str]) -> Rewards:
    """Replace each None by the mean of its group, if the group has any reward."""
    values_by_group: dict[str, list[float]] = {}
    for reward, group in zip(rewards, groups, strict=True):
        if reward is not None:
            values_by_group.setdefault(group, []).append(reward)
    means = {group: sum(values) / len(values) for group, values in values_by_group.items()}
    return [
        means.get(group) if reward is None else reward
        for reward, group in zip(rewards, groups, strict=True)
    ]


def build_judge_inputs(texts: Sequence[str], columns: Mapping[str, Any]) -> list[JudgeInput]:
    """Judge inputs from completions and data set columns. Raises ModelError without `item_id`."""
    if "item_id" not in columns:
        message = "The process reward needs a column item_id, which tells items apart."
        raise ModelError(message)
    rows = {name: values for name, values in columns.items() if _is_column(values, len(texts))}
    inputs = []
    for index, text in enumerate(texts):
        row = {name: values[index] for name, values in rows.items() if values[index] is not None}
        images = row.get("images") or ([row["image"]] if "image" in row else [])
        inputs.append(
            JudgeInput(
                completion=text,
                question=str(row.get("question", "")),
                options=tuple(row.get("options", ())),
                gold=str(row.get("gold", "")),
                question_type=str(row.get("question_type", "")),
                facts=read_facts(row.get("facts")),
                images=tuple(images),
                id=str(row["item_id"]),
            )
        )
    return inputs


def completion_text(completion: Completion) -> str:
    """Text of a completion, given as text or as messages with text parts."""
    if isinstance(completion, str):
        return completion
    content = completion[-1]["content"] if completion else ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())


def _is_column(values: Any, count: int) -> bool:
    """Whether a keyword holds a value per completion; the trainer passes other things too."""
    return isinstance(values, Sequence) and not isinstance(values, str) and len(values) == count
