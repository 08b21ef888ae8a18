"""Comparison of two ways of training over several seeds each, from answers of `evaluate --out`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import reason
from models.evaluation.answer_store import Arm, RecordedAnswer
from models.evaluation.items import EvaluationError, ItemSet
from models.evaluation.report import Figures
from models.evaluation.scored_answer import ProcessJudge, ScoredAnswer, score_answers
from models.resampling import difference_interval, permutation_p

MODEL_KEYS = ("model", "revision")
"""Keys that may differ between compared runs."""


@dataclass(frozen=True)
class RecordedRun:
    """Answers of one run."""

    description: Mapping[str, Any]
    """Description of the run, from `EvaluationPlan.describe`."""
    answers: Mapping[tuple[str, Arm], RecordedAnswer]
    """By question and arm."""


def read_recorded_run(folder: Path) -> RecordedRun:
    """Read the answers stored by `evaluate --out FOLDER`. Raises EvaluationError."""
    path = folder / "answers.jsonl"
    try:
        first, *others = path.read_text(encoding="utf-8").splitlines()
        answers = [RecordedAnswer(**json.loads(line)) for line in others]
        run = dict(json.loads(first)["run"])
    except OSError as error:
        message = f"The answers of {folder.name} cannot be read: {reason(error)}."
        raise EvaluationError(message) from error
    except (ValueError, TypeError, KeyError) as error:
        message = f"{folder.name} holds no complete answer file; run its `evaluate` again."
        raise EvaluationError(message) from error
    return RecordedRun(run, {(answer.item, answer.arm): answer for answer in answers})


def pooled_figures(
    items: ItemSet,
    first: Sequence[RecordedRun],
    second: Sequence[RecordedRun],
    judge: ProcessJudge | None = None,
) -> Figures:
    """Difference between the runs of the first way and those of the second; JSON values.

    A question's difference is that of the means over seeds; the interval is resampled by group, so
    it covers variation over questions, with these seeds. `by_seed` pairs the runs in the given
    order and shows how far seeds agree. Raises EvaluationError for runs with different or missing
    questions.
    """
    _check_comparable([*first, *second], items)
    sides = [[_by_item(items, recorded, judge) for recorded in side] for side in (first, second)]
    scored = [item.id for item in items.items if item.scored]
    return {
        "n": len(scored),
        "seeds": [len(first), len(second)],
        **_difference("", sides, scored, lambda one: float(one.right)),
        **_difference("process_", sides, scored, lambda one: one.process),
    }


def _check_comparable(runs: Sequence[RecordedRun], items: ItemSet) -> None:
    descriptions = [
        {key: kept.description[key] for key in kept.description if key not in MODEL_KEYS}
        for kept in runs
    ]
    for one in descriptions:
        changed = sorted(
            key for key in {*one, *descriptions[0]} if one.get(key) != descriptions[0].get(key)
        )
        if changed:
            message = f"The runs differ in {', '.join(changed)}."
            raise EvaluationError(message)
    for recorded in runs:
        check_same_questions(items, recorded)


def check_same_questions(items: ItemSet, recorded: RecordedRun) -> None:
    """Raise EvaluationError for a run with other questions, or not all of them."""
    if recorded.description["questions"] != items.digest:
        raise EvaluationError(
            "The runs were asked other questions than these; pass their own question set."
        )
    missing = sum((item.id, "asked") not in recorded.answers for item in items.items)
    if missing:
        message = (
            f"{missing} answers are missing; repeat the runs' own `evaluate` commands to add them."
        )
        raise EvaluationError(message)


def _by_item(
    items: ItemSet, recorded: RecordedRun, judge: ProcessJudge | None
) -> dict[str, ScoredAnswer]:
    return {
        one.item.id: one for one in score_answers(items.items, recorded.answers, "asked", judge)
    }


def _difference(
    prefix: str,
    sides: Sequence[Sequence[Mapping[str, ScoredAnswer]]],
    scored: Sequence[str],
    value: Callable[[ScoredAnswer], float | None],
) -> Figures:
    """Means, difference, interval and p of one value over the questions where all runs have it."""
    values_by_side = [[[value(run[name]) for name in scored] for run in side] for side in sides]
    # (runs, questions) per side; a question missing in one run is left out
    tables = [np.array(side, dtype=np.float64) for side in values_by_side]
    complete: NDArray[np.bool_] = np.asarray(~np.isnan(np.concatenate(tables)).any(axis=0))
    groups = [
        sides[0][0][name].item.group for name, has in zip(scored, complete, strict=True) if has
    ]
    first, second = (table[:, complete] for table in tables)
    values = first.mean(axis=0) - second.mean(axis=0)
    interval = difference_interval(values, groups)
    means = [table.mean(axis=1).tolist() if groups else [] for table in (first, second)]
    return {
        f"{prefix}first": means[0],
        f"{prefix}second": means[1],
        f"{prefix}difference": interval.mean if interval else None,
        f"{prefix}difference_low": interval.low if interval else None,
        f"{prefix}difference_high": interval.high if interval else None,
        f"{prefix}p": permutation_p(values, groups) if interval else None,
        f"{prefix}by_seed": [one - two for one, two in zip(*means, strict=False)],
    }
