"""What the comparisons package says to people."""

from __future__ import annotations

from collections.abc import Iterable


# pair_plan
def unknown_plan(plan: str, plans: Iterable[str]) -> str:
    return f"“{plan}” is not a plan; use one of {', '.join(plans)}."


def no_pair_to_draw(plan: str, pairs: int, same_text: int, other_input: int) -> str:
    return (
        f"The plan {plan} has no pair to draw: of {pairs} pairs of answers, {same_text} "
        f"have the same text and {other_input} have different pixels or prompts. Generate more "
        "answers: `worklist generate` with --samples, or --beside with another model."
    )
