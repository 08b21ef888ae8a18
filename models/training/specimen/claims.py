"""The claims of a trace read back by the phrases they are written with, and checked.

The process judge of the embedded model: every claim can be held against what was measured on the
picture or is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.judges.judge import EventFinding, JudgeInput, JudgeVerdict, find_step
from models.reasoning.trace import parse
from models.training.specimen.grammar import (
    CLAIM_VALUES,
    DIAGNOSES,
    PATTERNS,
    REQUIRED_CLAIMS,
    Facts,
)

CONTRADICTORY = "contradictory"
"""Value of a claim that is made with two values, or made and denied; never right."""


def _words_of_claim(claim: str) -> dict[str, str]:
    """The ways to state a claim's values, in small letters, with the value each stands for."""
    words = {value: value for value in CLAIM_VALUES[claim]}
    return words | (
        {phrase: value for value, phrase in PATTERNS.items()} if claim == "pattern" else {}
    )


def _pattern(before: str, choices: Sequence[str], after: str) -> re.Pattern[str]:
    """A stated value: spaces may be any white space, capitals do not count."""
    spaced = "|".join(re.escape(choice).replace(r"\ ", r"\s+") for choice in choices)
    return re.compile(rf"(?<!\w){before}({spaced}){after}", re.IGNORECASE)


CLAIM_WORDS = {claim: _words_of_claim(claim) for claim in CLAIM_VALUES}
CLAIM_PATTERNS = {
    claim: _pattern(claim.replace(" ", r"\s+") + r"\s*:\s*", tuple(words), r"\s*(?=[.;\n]|\Z)")
    for claim, words in CLAIM_WORDS.items()
}
"""How each claim is stated: `Open space: low.`, ended by a stop; "low to high" states nothing."""
DENIAL_PATTERN = _pattern(r"not\s+", DIAGNOSES, r"\s*:")
"""A pattern ruled out: `Not adenocarcinoma: no glands are formed.`"""


@dataclass(frozen=True)
class ClaimCheck:
    """One claim held against the truth."""

    claim: str
    """Which."""
    stated_value: str | None
    """The value stated; None if the claim is missing, or `CONTRADICTORY`."""
    accepted: tuple[str, ...]
    """Values that would be right; empty if nothing can be said of it on this picture."""
    quote: str = ""
    """The words that state it."""

    @property
    def right(self) -> bool:
        """Whether a right value is stated, and no other."""
        return self.stated_value in self.accepted


def find_claims(text: str) -> dict[str, str]:
    """The claims made in the reasoning of a completion, by value.

    What stands in the answer tag is no claim. A claim made twice with two values, and a pattern
    that is stated and ruled out, are `CONTRADICTORY`.
    """
    return {claim: value for claim, (value, _) in _find_claims(text).items()}


def required_claims(question_type: str, facts: Facts) -> tuple[str, ...]:
    """The claims that a trace on this picture must make, of those whose truth is known.

    On empty glass only that there is no tissue, and on a blurred picture only that it is blurred:
    the rest cannot be told. Empty for a question type that is none of ours.
    """
    required = REQUIRED_CLAIMS.get(question_type, ())
    if facts.nominal("tissue") == "absent":
        required = tuple(claim for claim in required if claim == "tissue")
    elif not facts.assessable:
        required = tuple(claim for claim in required if claim in {"tissue", "focus"})
    return tuple(claim for claim in required if facts.claims.get(claim))


def check_claims(question_type: str, facts: Facts, text: str) -> tuple[ClaimCheck, ...]:
    """The required claims, and beside them whatever else is stated and wrong.

    So more true claims than were asked for earn nothing, and false ones cost.
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
    """Share of claims that are right; a missing one counts as wrong."""

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
    """Values of a claim that are right on this picture; empty where it cannot be told."""
    unseen = claim not in {"tissue", "focus"} and not facts.assessable
    return () if unseen else tuple(facts.claims.get(claim, ()))


def _checkable(claim: str, facts: Facts) -> bool:
    """Whether a claim that nobody asked for can be called wrong."""
    unseen = claim not in {"tissue", "focus"} and not facts.assessable
    return unseen or bool(facts.claims.get(claim))
