"""Asking a model a set of questions, one after another, and storing each answer."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from models.engines.base import Engine
from models.errors import CancelledError, ModelError, OutOfMemoryError, PromptError, WorkerError
from models.evaluation.answer_store import AnswerFile, Arm, RecordedAnswer
from models.evaluation.control_pictures import PictureControl, load_controlled_picture
from models.evaluation.items import EvaluationItem, ItemSet, without_options
from models.evaluation.option_permutation import can_reorder_options, reorder_options
from models.evaluation.other_pictures import other_pictures
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
"""Writes a question's prompt in the model's style."""

RESTARTS = 3
"""How often a question is repeated after the model's process ended."""


@dataclass(frozen=True)
class EvaluationPlan:
    """How questions are asked; the same for all models compared."""

    sampling: Sampling = field(default_factory=Sampling)
    """Sampling parameters; greedy by default."""
    control: PictureControl = field(default_factory=PictureControl)
    """What is removed from the pictures."""
    permute_options: bool = False
    """Whether to repeat each question with its options reordered."""
    free_form: bool = False
    """Whether to repeat each question without its options."""
    other_image: bool = False
    """Whether to repeat each question about a picture with another right answer."""
    other_colours: bool = False
    """Whether to repeat each question with the colours of such a picture."""
    budget: PixelBudget | None = None
    """Pixel budget; None for the model's own."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Variants of a question with options."""
        wanted: dict[Arm, bool] = {
            "asked": True,
            "permuted": self.permute_options,
            "free-form": self.free_form,
            "other-image": self.other_image,
            "other-colours": self.other_colours,
        }
        return tuple(arm for arm, is_wanted in wanted.items() if is_wanted)

    def describe(self, items: ItemSet, model: ModelInfo, write: PromptWriter) -> dict[str, Any]:
        """What must match for runs to be comparable; JSON values. Reads every picture."""
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
    """SHA-256 of the text around a question, with and without options, and of the system prompt."""
    picture = PromptImage(b"", Box(0, 0, 1, 1))
    questions_asked = EvaluationItem(
        "question", Path("picture"), "Question?", "one", ("one", "two")
    )
    prompts = [write(item, picture) for item in (questions_asked, without_options(questions_asked))]
    content = json.dumps([[prompt.text, prompt.system] for prompt in prompts])
    return hashlib.sha256(content.encode()).hexdigest()


def wait_until_ready(engine: Engine, *, seconds: float = 600.0) -> ModelInfo:
    """Wait for the engine and return its model; raises WorkerError with its message if it fails."""
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
    """Ask every question without an answer; each answer is stored before it is yielded.

    A question that the model cannot take, or that needs too much memory, is answered by its error.
    Raises WorkerError if the model does not come back, EvaluationError if answers cannot be stored.
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
    """Every question in each of its variants; only questions with options have more than one.

    Options are reordered only where that keeps the meaning (`option_permutation`). A question has
    another picture only if the set has one (`other_pictures`).
    """
    for item in items:
        yield "asked", item
    others = other_pictures(items)
    for arm in plan.arms[1:]:
        for item in filter(_has_choice, items):
            variant = _variant(item, arm, others.get(item.id))
            if variant is not None:
                yield arm, variant


def _variant(item: EvaluationItem, arm: Arm, other: Path | None) -> EvaluationItem | None:
    """A question as an arm asks it; None if it cannot be asked so."""
    if arm == "free-form":
        return without_options(item)
    if arm == "permuted":
        return reorder_options(item) if can_reorder_options(item) else None
    if other is None:
        return None
    return replace(item, image=other) if arm == "other-image" else replace(item, colours=other)


def count_without_other_picture(items: Sequence[EvaluationItem]) -> int:
    """Number of scored questions with options for which the set has no other picture."""
    others = other_pictures(items)
    return sum(item.id not in others for item in items if _has_choice(item))


def count_not_reorderable(items: Sequence[EvaluationItem]) -> int:
    """Number of scored questions with options that are not reordered."""
    return sum(not can_reorder_options(item) for item in items if _has_choice(item))


def _has_choice(item: EvaluationItem) -> bool:
    """Whether a question has other variants."""
    return len(item.options) > 1 and item.scored


def _answer(
    engine: Engine, item: EvaluationItem, arm: Arm, write: PromptWriter, plan: EvaluationPlan
) -> RecordedAnswer:
    """Ask one question; return the answer or the error in its place."""
    try:
        picture = load_controlled_picture(item.image, plan.control, item.colours)
        prompt = write(item, picture)
        end = _end(engine, prompt, plan)
    except (PromptError, OutOfMemoryError) as error:
        return RecordedAnswer(item.id, arm, "", 0, 0.0, 0.0, error=str(error))
    done = end.completion
    return RecordedAnswer(
        item.id,
        arm,
        done.text,
        len(done.token_ids),
        end.seconds,
        end.first_token_seconds,
        finish=done.finish,
    )


def _end(engine: Engine, prompt: Prompt, plan: EvaluationPlan) -> CompletionEnd:
    """Completion of a prompt; asks again if the model's process ended meanwhile."""
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
    """The single completion, unless the request was cancelled."""
    if not ends or ends[0].completion.finish == "cancelled":
        message = "A question was cancelled; run the same command to continue."
        raise CancelledError(message)
    return ends[0]
