"""Consensus: feedback of several raters on one item becomes rows, or a conflict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from pathviewer.export import user_messages
from pathviewer.export.errors import ExportError


@dataclass(frozen=True)
class Rule:
    """The condition for a row."""

    name: Literal["each", "majority", "at-least"] = "each"
    """`each`: one row per rater; `majority`: more than half of the item's raters must agree;
    `at-least`: `least` raters must agree, and more than on anything else."""
    least: int = 1
    """Raters who must agree, for `at-least`."""

    def sentence(self) -> str:
        """Return the rule as a sentence for the card."""
        if self.name == "each":
            return "Each rater's feedback is a row of its own."
        if self.name == "majority":
            return "A row needs the agreement of more than half of the item's raters."
        return f"A row needs {self.least} raters who agree, and more than agree on anything else."


@dataclass(frozen=True)
class Opinion:
    """One rater's opinion on one item."""

    rater: str
    """Pseudonym."""
    outcome: str
    """The opinion in a word, for the counts of the card."""
    value: Hashable | None
    """Content of a row; None makes no row, as for a tie."""
    side: Hashable | None = None
    """Raters with different sides are in conflict; None takes no side."""


@dataclass(frozen=True)
class Decision:
    """Content of a row."""

    value: Hashable
    """Value of the opinions."""
    raters: tuple[str, ...]
    """Raters of this opinion, in order."""


def parse_rule(text: str) -> Rule:
    """Parse a rule of the command line: `each`, `majority`, or a number from 1. Raises
    ExportError."""
    if text == "each":
        return Rule("each")
    if text == "majority":
        return Rule("majority")
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return Rule("at-least", int(text))
    raise ExportError(user_messages.no_such_rule(text))


def decide(opinions: Sequence[Opinion], rule: Rule) -> list[Decision]:
    """Return the decided rows in a fixed order; more than one only for the rule `each`."""
    if rule.name == "each":
        ordered = sorted(opinions, key=lambda vote: vote.rater)
        return [Decision(vote.value, (vote.rater,)) for vote in ordered if vote.value is not None]
    counts = Counter(_choice(vote) for vote in opinions)
    (best, most), *others = counts.most_common(2)
    clear = not others or most > others[0][1]
    enough = 2 * most > len(opinions) if rule.name == "majority" else clear and most >= rule.least
    if not enough or best[1] is None:
        return []
    raters = sorted(vote.rater for vote in opinions if _choice(vote) == best)
    return [Decision(best[1], tuple(raters))]


def in_conflict(opinions: Sequence[Opinion]) -> bool:
    """Return whether two raters contradict each other."""
    return len({vote.side for vote in opinions if vote.side is not None}) > 1


def _choice(opinion: Opinion) -> tuple[str, Hashable | None]:
    """Return the key of agreeing opinions; those without a row agree by outcome only."""
    return ("", opinion.value) if opinion.value is not None else (opinion.outcome, None)
