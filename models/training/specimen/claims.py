"""Parsing the claims of a trace by the phrases they are written with, and checking them.

This is the embedded model's process judge: every claim can be checked against measurements on the
picture or known facts about it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.judges.base import EventFinding, JudgeInput, JudgeVerdict, find_step
from models.reasoning.trace import parse
from models.training.specimen.grammar import (
    CLAIM_VALUES,
    DIAGNOSES,
    PATTERNS,
    REQUIRED_CLAIMS,
    Facts,
)

CONTRADICTORY = "contradictory"
"""Value of a claim made with two values, or made and denied; never right."""


def _words_of_claim(claim: str) -> dict[str, str]:
    """Phrases for a claim's values, in lower case, with the value of each."""
    words = {value: value for value in CLAIM_VALUES[claim]}
    return words | (
        {phrase: value for value, phrase in PATTERNS.items()} if claim == "pattern" else {}
    )


def _pattern(before: str, choices: Sequence[str], after: str) -> re.Pattern[str]:
    """Pattern of a stated value, matching any white space and ignoring case."""
    spaced = "|".join(re.escape(choice).replace(r"\ ", r"\s+") for choice in choices)
    return re.compile(rf"(?<!\w){before}({spaced}){after}", re.IGNORECASE)


CLAIM_WORDS = {claim: _words_of_claim(claim) for claim in CLAIM_VALUES}
CLAIM_PATTERNS = {
    claim: _pattern(claim.replace(" ", r"\s+") + r"\s*:\s*", tuple(words), r"\s*(?=[.;\n]|\Z)")
    for claim, words in CLAIM_WORDS.items()
}
"""Pattern of each claim: `Open space: low.`, ended by a full stop; "low to high" states nothing."""
DENIAL_PATTERN = _pattern(r"not\s+", DIAGNOSES, r"\s*:")
"""A diagnosis ruled out: `Not adenocarcinoma: no glands are formed.`"""


@dataclass(frozen=True)
class ClaimCheck:
    """A claim checked against the truth."""

    claim: str
    """Name of the claim."""
    stated_value: str | None
    """Stated value; None if the claim is missing, or `CONTRADICTORY`."""
    accepted: tuple[str, ...]
    """Correct values; empty if unknown for this picture."""
    quote: str = ""
    """Words that state it."""

    @property
    def right(self) -> bool:
        """Whether a correct value is stated, and no other."""
        return self.stated_value in self.accepted


def find_claims(text: str) -> dict[str, str]:
    """Values of the claims made in the reasoning of a completion, by claim.

    The answer tag contains no claims. A claim made twice with two values, and a pattern both stated
    and ruled out, are `CONTRADICTORY`.
    """
    return {claim: value for claim, (value, _) in _find_claims(text).items()}


def required_claims(question_type: str, facts: Facts) -> tuple[str, ...]:
    """Claims that a trace on this picture must make, among those whose truth is known.

    On empty glass only that there is no tissue, and on a blurred picture only that it is blurred:
    the rest cannot be told. Empty for question types of other sets.
    """
    required = REQUIRED_CLAIMS.get(question_type, ())
    if facts.nominal("tissue") == "absent":
        required = tuple(claim for claim in required if claim == "tissue")
    elif not facts.assessable:
        required = tuple(claim for claim in required if claim in {"tissue", "focus"})
    return tuple(claim for claim in required if facts.claims.get(claim))


def check_claims(question_type: str, facts: Facts, text: str) -> tuple[ClaimCheck, ...]:
    """Check the required claims, and any other stated claim that is wrong.

    So additional true claims earn nothing, and false ones cost.
    """
    stated = _find_claims(text)
    required = required_claims(question_type, facts)
    checks = []
    for claim in CLAIM_VALUES:
        value, quote = stated.get(claim, (None, ""))
        check = ClaimCheck(claim, value, _accepted(claim, facts), quote)
        if claim in required or (value and not check.right and _checkable(claim, facts)):
            checks.append(check)
    return tuple(checks)


class MeasuredClaimsJudge:
    """Share of correct claims; a missing one counts as wrong."""

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        """Verdicts; None without reasoning, without facts, or for a question without claims."""
        return [self._verdict(trace) for trace in traces]

    def _verdict(self, judged: JudgeInput) -> JudgeVerdict | None:
        facts, trace = judged.facts, judged.trace
        if facts is None or not trace.steps or not required_claims(judged.question_type, facts):
            return None
        checks = check_claims(judged.question_type, facts, judged.completion)
        wrong = tuple(
            EventFinding(check.claim, check.quote, find_step(trace, judged.completion, check.quote))
            for check in checks
            if not check.right
        )
        return JudgeVerdict(1 - len(wrong) / len(checks), wrong)


def _find_claims(text: str) -> dict[str, tuple[str, str]]:
    """Value and words of each claim made."""
    reasoning = "\n".join(step.text for step in parse(text).steps)
    values: dict[str, tuple[str, str]] = {}
    for claim, pattern in CLAIM_PATTERNS.items():
        for match in pattern.finditer(reasoning):
            value = CLAIM_WORDS[claim][" ".join(match[1].lower().split())]
            before = values.setdefault(claim, (value, match[0].strip()))
            if before[0] != value:
                values[claim] = (CONTRADICTORY, match[0].strip())
    for match in DENIAL_PATTERN.finditer(reasoning):
        if values.get("pattern", ("",))[0] == " ".join(match[1].lower().split()):
            values["pattern"] = (CONTRADICTORY, match[0].strip())
    return values


def _accepted(claim: str, facts: Facts) -> tuple[str, ...]:
    """Correct values of a claim on this picture; empty if unknown."""
    unseen = claim not in {"tissue", "focus"} and not facts.assessable
    return () if unseen else tuple(facts.claims.get(claim, ()))


def _checkable(claim: str, facts: Facts) -> bool:
    """Whether a claim that was not required can be called wrong."""
    unseen = claim not in {"tissue", "focus"} and not facts.assessable
    return unseen or bool(facts.claims.get(claim))
