"""End-to-end evaluation of a model: asking, scoring and figures."""

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
    count_without_other_picture,
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
"""Called with the number of questions answered and the total."""


@dataclass(frozen=True)
class Measurement:
    """One model's scored answers."""

    model: ModelInfo
    """The model."""
    description: Mapping[str, Any]
    """Description of the run, from `EvaluationPlan.describe`."""
    arms: Mapping[Arm, Sequence[ScoredAnswer]]
    """Scored answers by question variant."""


def prompt_writer(model: RegisteredModel) -> PromptWriter:
    """Prompt writer in a model's own style."""

    def write(item: EvaluationItem, image: PromptImage) -> Prompt:
        return build_prompt(QuestionText(item.question, item.options), (image,), model)

    return write


def diagnosis_question(model: RegisteredModel) -> str:
    """Question asked about a manifest's pictures."""
    return next(
        (offered.text for offered in list_templates(model) if offered.task == DIAGNOSIS),
        "What is the diagnosis?",
    )


def known_labels(model: RegisteredModel) -> tuple[str, ...]:
    """Diagnoses that a model is limited to; empty for a model that takes any question."""
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
    """Ask a model all questions and score its answers.

    `out` stores the answers; a second call with the same arguments asks only the missing questions.
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
    """All figures of one model as JSON values, explained in `docs/evaluation.md`."""
    original = measurement.arms["asked"]
    again = {
        arm: figures_of_change(original, answers)
        for arm, answers in measurement.arms.items()
        if arm != "asked"
    }
    if "permuted" in again:
        again["permuted"]["left_out"] = count_not_reorderable(items.items)
    for arm, figures in again.items():
        if arm in {"other-image", "other-colours"}:
            figures["left_out"] = count_without_other_picture(items.items)
    return {
        "run": dict(measurement.description),
        **report(original),
        "skipped": len(items.skipped),
        "permuted": again.get("permuted"),
        "free_form": again.get("free-form"),
        "other_image": again.get("other-image"),
        "other_colours": again.get("other-colours"),
    }


def compare_figures(first: Measurement, second: Measurement, items: ItemSet) -> Figures:
    """Figures of the first model, its difference from the second, and the second's figures."""
    return {
        **measurement_figures(first, items),
        **compare(first.arms["asked"], second.arms["asked"]),
        "compared": measurement_figures(second, items),
    }
