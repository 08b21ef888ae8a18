"""Text of a rated completion: quotes, edits and reward."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from models.reasoning.trace import ReasoningTrace, Step, parse
from models.reward import WITHOUT_STEPS, right_or_wrong, score_labels, total_reward
from models.scoring import format_is_right
from pathviewer.feedback.vocabulary import VERDICTS


@dataclass(frozen=True)
class Reward:
    """Reward of a completion from a rater's labels and verdict; None without these."""

    process: float | None
    """R_process, 0 to 1: mean of integrity and knowledge; 0 for a completion without steps."""

    integrity: float | None
    """Completeness of the trace, 0 to 1."""

    knowledge: float | None
    """Correctness of the steps, 0 to 1."""

    outcome: float | None
    """Accuracy: 1 for a correct answer, 0 for an incorrect or partly correct one."""

    format: float
    """1 if the completion has the requested format, else 0."""

    total: float | None
    """`models.reward.total_reward` of process, outcome and format."""


@dataclass(frozen=True)
class CompletionText:
    """Text of a completion, parsed."""

    text: str
    """The whole text."""

    @cached_property
    def trace(self) -> ReasoningTrace:
        """Steps and answer."""
        return parse(self.text)

    @cached_property
    def _units(self) -> bytes:
        return self.text.encode("utf-16-le", "surrogatepass")

    def text_between(self, start: int, stop: int) -> str | None:
        """Return the text between two UTF-16 units.

        None if the range is empty, outside the text or splits a character.
        """
        if not 0 <= start < stop <= len(self._units) // 2:
            return None
        try:
            return self._units[2 * start : 2 * stop].decode("utf-16-le")
        except UnicodeDecodeError:
            return None

    def find_quote(self, step: Step, quote: str) -> tuple[int, int] | None:
        """Return start and stop, in UTF-16 units, of a quote's first occurrence in a step.

        None if it does not occur.
        """
        place = step.text.find(quote)
        if place < 0:
            return None
        before = self.text[: step.start + place]
        start = len(before.encode("utf-16-le", "surrogatepass")) // 2
        return start, start + len(quote.encode("utf-16-le", "surrogatepass")) // 2

    def apply_edits(self, edits: Mapping[int, str | None]) -> str:
        """Return the text with some steps (by index from 0) rewritten or, with None, removed.

        A rewritten step also replaces its number or bullet. Text between steps stays, except the
        white space after a removed step.
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
        """Return the reward; `labels` are the absences and the events by step, as submitted."""
        score = None if labels is None else score_labels(*labels)
        process = None
        if score is not None:
            process = score.reward if self.trace.steps else WITHOUT_STEPS
        outcome = None if verdict is None else VERDICTS[verdict].outcome
        form = right_or_wrong(format_is_right(self.text))
        return Reward(
            process=process,
            integrity=score.integrity if score else None,
            knowledge=score.knowledge if score else None,
            outcome=outcome,
            format=form,
            total=None
            if process is None or outcome is None
            else total_reward(process, outcome, form),
        )


@lru_cache(maxsize=256)
def cached_completion_text(text: str) -> CompletionText:
    """Return the CompletionText of a text, cached for further feedback."""
    return CompletionText(text)
