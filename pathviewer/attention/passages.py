"""Passages of a completion that have their own maps: steps, answer, whole completion."""

from __future__ import annotations

from collections.abc import Sequence

from models.reasoning.trace import ReasoningTrace, token_span

WHOLE_COMPLETION = "all"
"""Passage name of the whole completion."""


def find_passages(trace: ReasoningTrace, token_ends: Sequence[int]) -> list[tuple[str, range]]:
    """Return names and tokens of `step 1`, `step 2`, ..., `answer`, `all`, if they have tokens."""
    spans = [(f"step {i}", step.start, step.stop) for i, step in enumerate(trace.steps, 1)]
    if trace.answer_span:
        spans.append(("answer", *trace.answer_span))
    named = [(name, token_span(start, stop, token_ends)) for name, start, stop in spans]
    named.append((WHOLE_COMPLETION, range(len(token_ends))))
    return [(name, tokens) for name, tokens in named if tokens]
