"""`python -m tests.models.evaluation.killed_run DATA OUT`: an evaluation that takes its time."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from models.evaluation.answer_store import AnswerFile
from models.evaluation.ask_items import EvaluationPlan, answer_questions
from models.evaluation.items import EvaluationItem, ItemSet, read_manifest
from models.messages import Prompt, PromptImage
from tests.models.backend_with_answers import INFO, AnsweringBackend


def slow(prompt: Prompt) -> str:
    """An answer after a while."""
    time.sleep(0.05)
    return f"<think>{prompt.text}</think><answer>A</answer>"


def write(item: EvaluationItem, image: PromptImage) -> Prompt:
    """The question's id as its prompt."""
    return Prompt(item.id, (image,))


def items(data: Path) -> ItemSet:
    """What is asked."""
    return read_manifest(data, question="What is shown?")


def main() -> None:
    """Put every question that has no answer yet."""
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    plan, asked = EvaluationPlan(), items(data)
    with AnswerFile(out, plan.describe(asked, INFO, write)) as answers:
        for _ in answer_questions(AnsweringBackend(slow), asked, write, plan, answers):
            pass


if __name__ == "__main__":
    main()
