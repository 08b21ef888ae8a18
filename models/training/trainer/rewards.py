"""The dual reward as TRL's GRPOTrainer takes it: format, accuracy and process.

Each function takes lists, one entry per completion, and the data set's columns by name, and
returns a list of rewards, None where it abstains. The columns are `gold`, `options` (null or empty
for an open question), `item_id`, `question`, `question_type`, `facts` (as `facts.facts_column`
writes them) and `images`; `gold` is needed, the others as far as the judge looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.errors import ModelError
from models.judges.judge import Judge, JudgeInput, process_scores
from models.reasoning.trace import parse
from models.scoring import answer_is_right, format_is_right
from models.training.specimen.facts_column import read_facts

Completion = str | Sequence[Mapping[str, Any]]
"""A text, or the messages of a conversation."""
Rewards = list[float | None]


def format_reward(*, completions: Sequence[Completion], **_: Any) -> Rewards:
    """1 if the whole completion is `<think>...</think><answer>...</answer>`, else 0."""
    return [float(format_is_right(completion_text(completion))) for completion in completions]


def accuracy_reward(
    *,
    completions: Sequence[Completion],
    gold: Sequence[str],
    options: Sequence[Sequence[str] | None] | None = None,
    **_: Any,
) -> Rewards:
    """1 if the answer names the right option by letter or text, else 0."""
    offered = options or [None] * len(completions)
    return [
        float(answer_is_right(parse(completion_text(completion)).answer, choices or (), right))
        for completion, choices, right in zip(completions, offered, gold, strict=True)
    ]


class ProcessReward:
    """R_process of a judge, 0 for a completion without reasoning.

    TRL adds up the rewards of a completion and takes an abstention for 0, which would punish it
    beside its siblings. So where the judge abstains, the mean of what it gave the other completions
    of the same item stands in, and adds nothing for or against; None if it judged none of them.
    """

    __name__ = "process_reward"

    def __init__(self, judge: Judge, *, fill: bool = True) -> None:
        """`fill=False` leaves abstentions as None, for trainers that can do with them."""
        self._judge = judge
        self._fill = fill

    def __call__(
        self,
        *,
        completions: Sequence[Completion],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> Rewards:
        """Rewards, 0..1; the share of abstentions goes to the trainer's metrics."""
        texts = [completion_text(completion) for completion in completions]
        traces = build_judge_inputs(texts, columns)
        rewards = process_scores(self._judge, traces)
        if log_metric and rewards:
            log_metric("process_abstained", rewards.count(None) / len(rewards))
        return (
            fill_missing_rewards(rewards, [trace.id for trace in traces]) if self._fill else rewards
        )


def fill_missing_rewards(rewards: Sequence[float | None], groups: Sequence[str]) -> Rewards:
    """Rewards with each None replaced by the mean of its group, if the group has any."""
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
    """Completions with their rows of a data set's columns. ModelError without `item_id`."""
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
    """What the model wrote, whether the trainer gives a text or messages with text parts."""
    if isinstance(completion, str):
        return completion
    content = completion[-1]["content"] if completion else ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())


def _is_column(values: Any, count: int) -> bool:
    """Whether a keyword holds a value per completion; the trainer passes other things too."""
    return isinstance(values, Sequence) and not isinstance(values, str) and len(values) == count
