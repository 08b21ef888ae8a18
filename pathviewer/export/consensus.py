"""How the judgments of several raters of one item become rows, or an item in conflict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from pathviewer.export.errors import ExportError


@dataclass(frozen=True)
class Rule:
    """When judgments become a row."""

    name: Literal["each", "majority", "at-least"] = "each"
    """`each` rater's is a row of its own; `majority` of all who judged the item must agree; or
    `at-least` so many, and more than agree on anything else."""
    least: int = 1
    """Raters who must agree, of `at-least`."""

    def sentence(self) -> str:
        """The rule for a card."""
        if self.name == "each":
            return "Each rater's judgment is a row of its own."
        if self.name == "majority":
            return "A row needs the agreement of more than half of those who judged the item."
        return f"A row needs {self.least} raters who agree, and fewer for anything else."


@dataclass(frozen=True)
class Opinion:
    """What one rater says of one item."""

    rater: str
    """Pseudonym."""
    outcome: str
    """In a word, for the counts of the card."""
    value: Hashable | None
    """What a row would be made of; None makes none, as a tie does."""
    side: Hashable | None = None
    """What two raters must agree on lest the item be in conflict; None takes no side."""


@dataclass(frozen=True)
class Decision:
    """What a row is made of."""

    value: Hashable
    """As voted."""
    raters: tuple[str, ...]
    """Who said it, in order."""


def parse_rule(text: str) -> Rule:
    """A rule as the command line has it: `each`, `majority`, or a number from 1."""
    if text == "each":
        return Rule("each")
    if text == "majority":
        return Rule("majority")
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return Rule("at-least", int(text))
    raise ExportError(
        f"“{text[:40]}” is no rule for several raters; write each, majority or how many must agree."
    )


def decide(opinions: Sequence[Opinion], rule: Rule) -> list[Decision]:
    """What becomes a row, in a fixed order; several only where each rater's is one."""
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
    """Whether two raters say what cannot both be right."""
    return len({vote.side for vote in opinions if vote.side is not None}) > 1


def _choice(opinion: Opinion) -> tuple[str, Hashable | None]:
    """Votes that agree; whatever makes no row agrees in its word alone."""
    return ("", opinion.value) if opinion.value is not None else (opinion.outcome, None)
