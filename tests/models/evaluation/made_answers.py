"""Questions of a diagnosis, answers to them, and what is judged of those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.evaluation.answer_store import Arm, RecordedAnswer
from models.evaluation.items import EvaluationItem
from models.evaluation.scored_answer import ScoredAnswer, score_answer
from models.scoring import ABSTENTIONS

LABELS = ("adenocarcinoma", "benign", "squamous cell carcinoma")


def item(name: str, gold: str, group: str, **more: object) -> EvaluationItem:
    """A diagnosis question."""
    made = EvaluationItem(
        name, Path("x.png"), "What?", gold, (*LABELS, *ABSTENTIONS), group, "diagnosis", gold
    )
    return replace(made, **more)  # type: ignore[arg-type]


def answer(asked: EvaluationItem, told: str, arm: Arm = "asked") -> RecordedAnswer:
    """A well-formed completion of two steps and twelve tokens, in half a second."""
    text = f"<think>1. Glands are seen.\n2. They are odd.</think><answer>{told}</answer>"
    return RecordedAnswer(asked.id, arm, text, 12, 0.5, 0.1)


def judged(asked: EvaluationItem, told: str) -> ScoredAnswer:
    """The same, judged."""
    return score_answer(asked, answer(asked, told))
