"""A completion that is judged: its steps as the page counts them, edited, and what it earns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from models.process_score import score_labels
from models.reasoning.trace import ReasoningTrace, Step, parse
from models.scoring import format_is_right

OUTCOME_BY_VERDICT: Mapping[str, float] = {"correct": 1.0, "partly_correct": 0.0, "incorrect": 0.0}
"""Accuracy that a verdict stands for; the other verdicts say nothing of it."""


@dataclass(frozen=True)
class Reward:
    """What a completion earns by a clinician's labels and verdict; None where he has not said."""

    process: float | None
    """R_process, 0 to 1: the mean of the next two; 0 for a completion without reasoning."""

    integrity: float | None
    """Whether everything is there that belongs to a trace, 0 to 1."""

    knowledge: float | None
    """Whether what is there is right, 0 to 1."""

    outcome: float | None
    """Accuracy: 1 for a correct answer, 0 for one that is wrong or only partly right."""

    format: float
    """1 if the completion has the form that was asked for, else 0."""

    total: float | None
    """The sum of process, outcome and format, as PathVLM-R1 weighs them."""


@dataclass(frozen=True)
class CompletionText:
    """The text of a completion with what is read out of it."""

    text: str
    """All that the model wrote."""

    @cached_property
    def trace(self) -> ReasoningTrace:
        """Its steps and answer."""
        return parse(self.text)

    @cached_property
    def _units(self) -> bytes:
        return self.text.encode("utf-16-le", "surrogatepass")

    def text_between(self, start: int, stop: int) -> str | None:
        """The text between two UTF-16 units; None where that is no stretch of whole characters."""
        if not 0 <= start < stop <= len(self._units) // 2:
            return None
        try:
            return self._units[2 * start : 2 * stop].decode("utf-16-le")
        except UnicodeDecodeError:
            return None

    def find_quote(self, step: Step, quote: str) -> tuple[int, int] | None:
        """UTF-16 units of the first place of a quote in a step; None if it has none."""
        place = step.text.find(quote)
        if place < 0:
            return None
        before = self.text[: step.start + place]
        start = len(before.encode("utf-16-le", "surrogatepass")) // 2
        return start, start + len(quote.encode("utf-16-le", "surrogatepass")) // 2

    def apply_edits(self, edits: Mapping[int, str | None]) -> str:
        """The text with some steps, counted from 0, rewritten; None strikes one out.

        A rewritten step takes the place of its own number or bullet too. What stands between the
        steps stays, but for the white space behind one that is struck out.
        """
        text = self.text
        for index in sorted(edits, reverse=True):
            step, new = self.trace.steps[index], edits[index]
            rest = text[step.stop :]
            if new is None:
                rest = rest.lstrip()
            text = text[: step.start] + (new or "") + rest
        return text

    def compute_reward(
        self,
        verdict: str | None,
        labels: tuple[Collection[str], Iterable[Collection[str]]] | None,
    ) -> Reward:
        """What it earns; `labels` are absences of the trace and events by step, as submitted."""
        score = None if labels is None else score_labels(*labels)
        process = None if score is None else score.reward
        if score is not None and not self.trace.steps:
            process = 0.0  # as in training: to write nothing must not be a way out
        outcome = None if verdict is None else OUTCOME_BY_VERDICT.get(verdict)
        form = float(format_is_right(self.text))
        return Reward(
            process=process,
            integrity=score.integrity if score else None,
            knowledge=score.knowledge if score else None,
            outcome=outcome,
            format=form,
            total=None if process is None or outcome is None else process + outcome + form,
        )


@lru_cache(maxsize=256)
def cached_completion_text(text: str) -> CompletionText:
    """The same, kept for the next label of the same completion."""
    return CompletionText(text)
