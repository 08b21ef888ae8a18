"""Putting a set of questions to a model, one after another; what comes back is kept as it comes."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.engines.base import Engine
from models.errors import CancelledError, ModelError, OutOfMemoryError, PromptError, WorkerError
from models.evaluation.answer_store import AnswerFile, Arm, RecordedAnswer
from models.evaluation.control_pictures import PictureControl, load_controlled_picture
from models.evaluation.items import EvaluationItem, ItemSet, without_options
from models.evaluation.option_permutation import can_reorder_options, reorder_options
from models.messages import (
    Box,
    CompletionEnd,
    GenerateRequest,
    ModelInfo,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
)

PromptWriter = Callable[[EvaluationItem, PromptImage], Prompt]
"""Writes the prompt of a question; knows the model's style."""

RESTARTS = 3
"""How often a question is put again to a model whose process ended."""


@dataclass(frozen=True)
class EvaluationPlan:
    """How questions are put; the same for all models that are compared."""

    sampling: Sampling = field(default_factory=Sampling)
    """How tokens are drawn; greedy unless said otherwise."""
    control: PictureControl = field(default_factory=PictureControl)
    """What is taken away from the pictures."""
    permute_options: bool = False
    """Whether each question is put again with its options in another order."""
    free_form: bool = False
    """Whether each question is put again without its options."""
    budget: PixelBudget | None = None
    """Pixel budget; None takes the model's own."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The ways a question with options is put."""
        more: list[Arm] = []
        if self.permute_options:
            more.append("permuted")
        if self.free_form:
            more.append("free-form")
        return ("asked", *more)

    def describe(self, items: ItemSet, model: ModelInfo, write: PromptWriter) -> dict[str, Any]:
        """What makes answers of two runs comparable; JSON values. Reads every picture."""
        return {
            "model": model.name,
            "revision": model.revision,
            "questions": items.digest,
            "prompts": prompt_digest(write),
            "sampling": asdict(self.sampling),
            "colour": self.control.colour,
            "no_image": self.control.blank,
            "budget": asdict(self.budget or model.budget),
        }


def prompt_digest(write: PromptWriter) -> str:
    """SHA-256 of the words around a question, with options and without, and the system prompt."""
    picture = PromptImage(b"", Box(0, 0, 1, 1))
    questions_asked = EvaluationItem(
        "question", Path("picture"), "Question?", "one", ("one", "two")
    )
    prompts = [write(item, picture) for item in (questions_asked, without_options(questions_asked))]
    content = json.dumps([[prompt.text, prompt.system] for prompt in prompts])
    return hashlib.sha256(content.encode()).hexdigest()


def wait_until_ready(engine: Engine, *, seconds: float = 600.0) -> ModelInfo:
    """What is loaded, once it is; WorkerError with the backend's sentence if it will not come."""
    end = time.monotonic() + seconds
    while True:
        status = engine.status()
        if status.state == "ready" and status.info:
            return status.info
        if status.state in {"failed", "stopped"} or time.monotonic() > end:
            raise WorkerError(status.sentence)
        time.sleep(0.05)


def answer_questions(
    engine: Engine,
    items: ItemSet,
    write: PromptWriter,
    plan: EvaluationPlan,
    answers: AnswerFile,
) -> Iterator[RecordedAnswer]:
    """Put every question that has no answer yet; each answer is kept before it is told.

    A question that the model cannot be given, or that needs too much memory, is answered by its
    error. Raises WorkerError if the model does not come back, EvaluationError if answers cannot
    be kept.
    """
    for arm, item in list_question_variants(items.items, plan):
        if (item.id, arm) in answers:
            continue
        answer = _answer(engine, item, arm, write, plan)
        answers.add(answer)
        yield answer


def list_question_variants(
    items: Sequence[EvaluationItem], plan: EvaluationPlan
) -> Iterator[tuple[Arm, EvaluationItem]]:
    """Every question in every way it is put; the other ways are for questions with options.

    Options are permuted only where that asks the same (`permuting`).
    """
    for item in items:
        yield "asked", item
    for arm in plan.arms[1:]:
        for item in filter(_has_choice, items):
            if arm == "free-form":
                yield arm, without_options(item)
            elif can_reorder_options(item):
                yield arm, reorder_options(item)


def count_not_reorderable(items: Sequence[EvaluationItem]) -> int:
    """How many scored questions with options are left out where options are permuted."""
    return sum(not can_reorder_options(item) for item in items if _has_choice(item))


def _has_choice(item: EvaluationItem) -> bool:
    """Whether a question is also put in other ways."""
    return len(item.options) > 1 and item.scored


def _answer(
    engine: Engine, item: EvaluationItem, arm: Arm, write: PromptWriter, plan: EvaluationPlan
) -> RecordedAnswer:
    """One answer, or the error in its place."""
    try:
        prompt = write(item, load_controlled_picture(item.image, plan.control))
        end = _end(engine, prompt, plan)
    except (PromptError, OutOfMemoryError) as error:
        return RecordedAnswer(item.id, arm, "", 0, 0.0, 0.0, error=str(error))
    done = end.completion
    return RecordedAnswer(
        item.id, arm, done.text, len(done.token_ids), end.seconds, end.first_token_seconds
    )


def _end(engine: Engine, prompt: Prompt, plan: EvaluationPlan) -> CompletionEnd:
    """The finished completion; asked again if the model's process ended meanwhile."""
    failure: ModelError = WorkerError("The model gave no answer.")
    for _ in range(RESTARTS):
        request = GenerateRequest(
            request_id=f"evaluate-{uuid.uuid4().hex}",
            prompt=prompt,
            sampling=plan.sampling,
            attention=False,
            budget=plan.budget,
        )
        try:
            ends = [event for event in engine.generate(request) if isinstance(event, CompletionEnd)]
        except WorkerError as error:
            failure = error
            wait_until_ready(engine)
        else:
            return _finished(ends)
    raise failure


def _finished(ends: list[CompletionEnd]) -> CompletionEnd:
    """The end of the one completion, unless somebody withdrew the question."""
    if not ends or ends[0].completion.finish == "cancelled":
        message = "A question was withdrawn; run the same command to go on."
        raise CancelledError(message)
    return ends[0]
