"""A model measured from end to end: questions put, answers judged, figures made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.engines.base import Engine
from models.evaluation.answer_store import AnswerFile, Arm
from models.evaluation.ask_items import (
    EvaluationPlan,
    PromptWriter,
    answer_questions,
    count_not_reorderable,
    list_question_variants,
    wait_until_ready,
)
from models.evaluation.items import DIAGNOSIS, EvaluationItem, ItemSet
from models.evaluation.report import Figures, compare, figures_of_change, report
from models.evaluation.scored_answer import ProcessJudge, ScoredAnswer, score_answers
from models.messages import ModelInfo, Prompt, PromptImage
from models.prompts import QuestionText, build_prompt, list_templates
from models.registry import RegisteredModel
from models.scoring import is_abstention

ProgressCallback = Callable[[int, int], None]
"""Told how many questions are answered, of how many."""


@dataclass(frozen=True)
class Measurement:
    """What one model answered."""

    model: ModelInfo
    """Who answered."""
    description: Mapping[str, Any]
    """What was asked of it and how, as `Plan.describe` tells it."""
    arms: Mapping[Arm, Sequence[ScoredAnswer]]
    """The judged answers, by how the questions were put."""


def prompt_writer(model: RegisteredModel) -> PromptWriter:
    """Writes prompts in a model's own style."""

    def write(item: EvaluationItem, image: PromptImage) -> Prompt:
        return build_prompt(QuestionText(item.question, item.options), (image,), model)

    return write


def diagnosis_question(model: RegisteredModel) -> str:
    """What a picture of a manifest is asked."""
    return next(
        (offered.text for offered in list_templates(model) if offered.task == DIAGNOSIS),
        "What is the diagnosis?",
    )


def known_labels(model: RegisteredModel) -> tuple[str, ...]:
    """The diagnoses that a model keeps to; empty for a model that takes any question."""
    if not model.question_types:
        return ()
    diagnosis_options = [
        offered.options for offered in list_templates(model) if offered.task == DIAGNOSIS
    ]
    return tuple(
        option for options in diagnosis_options for option in options if not is_abstention(option)
    )


def measure(
    engine: Engine,
    write: PromptWriter,
    items: ItemSet,
    plan: EvaluationPlan,
    *,
    out: Path | None = None,
    judge: ProcessJudge | None = None,
    progress: ProgressCallback = lambda _done, _all: None,
) -> Measurement:
    """Put all questions to a model and judge its answers.

    `out` keeps the answers; a second call with the same arguments asks only what is missing.
    Raises EvaluationError or WorkerError.
    """
    info = wait_until_ready(engine)
    question_list = list(list_question_variants(items.items, plan))
    run = plan.describe(items, info, write)
    with AnswerFile(out, run) as answers:
        kept_before = sum((item.id, arm) in answers for arm, item in question_list)
        progress(kept_before, len(question_list))
        new = answer_questions(engine, items, write, plan, answers)
        for done, _ in enumerate(new, start=kept_before + 1):
            progress(done, len(question_list))
        recorded = answers.answers
    return Measurement(
        info, run, {arm: score_answers(items.items, recorded, arm, judge) for arm in plan.arms}
    )


def measurement_figures(measurement: Measurement, items: ItemSet) -> Figures:
    """All figures of one model, as JSON values; `docs/evaluation.md` says what each means."""
    original = measurement.arms["asked"]
    again = {
        arm: figures_of_change(original, answers)
        for arm, answers in measurement.arms.items()
        if arm != "asked"
    }
    if "permuted" in again:
        again["permuted"]["left_out"] = count_not_reorderable(items.items)
    return {
        "run": dict(measurement.description),
        **report(original),
        "skipped": len(items.skipped),
        "permuted": again.get("permuted"),
        "free_form": again.get("free-form"),
    }


def compare_figures(first: Measurement, second: Measurement, items: ItemSet) -> Figures:
    """Figures of the first model, how much better it is than the second, and the second's own."""
    return {
        **measurement_figures(first, items),
        **compare(first.arms["asked"], second.arms["asked"]),
        "compared": measurement_figures(second, items),
    }
