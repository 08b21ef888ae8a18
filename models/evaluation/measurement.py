"""A model measured from end to end: questions put, answers judged, figures made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.engines.base import Backend
from models.evaluation.answer_store import AnswerFile, Arm
from models.evaluation.ask_items import (
    Plan,
    PromptWriter,
    answer_all,
    not_permuted,
    questions,
    wait_until_ready,
)
from models.evaluation.items import DIAGNOSIS, EvaluationItem, ItemSet
from models.evaluation.report import Figures, change, compare, report
from models.evaluation.scored_answer import Judged, ProcessJudge, judge_all
from models.messages import ModelInfo, Prompt, PromptImage
from models.prompts import Question, build_prompt, templates
from models.registry import RegisteredModel
from models.scoring import is_abstention

Progress = Callable[[int, int], None]
"""Told how many questions are answered, of how many."""


@dataclass(frozen=True)
class Measured:
    """What one model answered."""

    model: ModelInfo
    """Who answered."""
    run: Mapping[str, Any]
    """What was asked of it and how, as `Plan.describe` tells it."""
    arms: Mapping[Arm, Sequence[Judged]]
    """The judged answers, by how the questions were put."""


def prompt_writer(model: RegisteredModel) -> PromptWriter:
    """Writes prompts in a model's own style."""

    def write(item: EvaluationItem, image: PromptImage) -> Prompt:
        return build_prompt(Question(item.question, item.options), (image,), model)

    return write


def diagnosis_question(model: RegisteredModel) -> str:
    """What a picture of a manifest is asked."""
    return next(
        (offered.text for offered in templates(model) if offered.task == DIAGNOSIS),
        "What is the diagnosis?",
    )


def known_labels(model: RegisteredModel) -> tuple[str, ...]:
    """The diagnoses that a model keeps to; empty for a model that takes any question."""
    if not model.question_types:
        return ()
    kept = [offered.options for offered in templates(model) if offered.task == DIAGNOSIS]
    return tuple(option for options in kept for option in options if not is_abstention(option))


def measure(
    backend: Backend,
    write: PromptWriter,
    items: ItemSet,
    plan: Plan,
    *,
    out: Path | None = None,
    judge: ProcessJudge | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Measured:
    """Put all questions to a model and judge its answers.

    `out` keeps the answers; a second call with the same arguments asks only what is missing.
    Raises EvaluationError or WorkerError.
    """
    info = wait_until_ready(backend)
    asked = list(questions(items.items, plan))
    run = plan.describe(items, info, write)
    with AnswerFile(out, run) as answers:
        kept_before = sum((item.id, arm) in answers for arm, item in asked)
        progress(kept_before, len(asked))
        new = answer_all(backend, items, write, plan, answers)
        for done, _ in enumerate(new, start=kept_before + 1):
            progress(done, len(asked))
        kept = answers.answers
    return Measured(info, run, {arm: judge_all(items.items, kept, arm, judge) for arm in plan.arms})


def figures(measured: Measured, items: ItemSet) -> Figures:
    """All figures of one model, as JSON values; `docs/evaluation.md` says what each means."""
    asked = measured.arms["asked"]
    again = {arm: change(asked, found) for arm, found in measured.arms.items() if arm != "asked"}
    if "permuted" in again:
        again["permuted"]["left_out"] = not_permuted(items.items)
    return {
        "run": dict(measured.run),
        **report(asked),
        "skipped": len(items.skipped),
        "permuted": again.get("permuted"),
        "free_form": again.get("free-form"),
    }


def compared_figures(first: Measured, second: Measured, items: ItemSet) -> Figures:
    """Figures of the first model, how much better it is than the second, and the second's own."""
    return {
        **figures(first, items),
        **compare(first.arms["asked"], second.arms["asked"]),
        "compared": figures(second, items),
    }
