"""What the embedded model is asked and how it answers: every sentence of its small language.

A question has a type; an answer to it names *claims*, each of which can be checked against the
pixels (`measures.py`) or against what is known of the tile. `write_trace` and the judge of
`claims.py` share the phrases below, so a claim is written and read by one table.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NONE_OF_THESE = "none of these"
CANNOT_ASSESS = "cannot assess from this region"

NOT_OFFERED = f", which is not offered, so {NONE_OF_THESE}"
"""How a conclusion goes on whose words are not among the options."""

CLAIM_VALUES: Mapping[str, tuple[str, ...]] = {
    "tissue": ("present", "absent"),
    "focus": ("sharp", "blurred"),
    "open space": ("low", "moderate", "high"),
    "cellularity": ("low", "moderate", "high"),
    "most nuclei": ("upper left", "upper right", "lower left", "lower right"),
    "pattern": (
        "benign lung tissue",
        "adenocarcinoma",
        "squamous cell carcinoma",
        "other tissue",
    ),
}
"""Every claim with the values it may take."""

DIAGNOSES = CLAIM_VALUES["pattern"][:3]
"""The diagnoses the embedded model was shown; nothing else of pathology is known to it."""

REQUIRED_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "diagnosis": ("tissue", "focus", "cellularity", "open space", "pattern"),
    "cellularity": ("tissue", "focus", "cellularity"),
    "open space": ("tissue", "focus", "open space"),
    "focus": ("tissue", "focus"),
    "tissue": ("tissue",),
    "quadrant": ("tissue", "focus", "most nuclei"),
}
"""Claims that a trace must make, by question type; a missing one counts as wrong."""

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "diagnosis": (
        "What is the diagnosis?",
        "Which diagnosis fits this region best?",
        "What does this region of lung show?",
    ),
    "cellularity": (
        "How cellular is this region?",
        "What is the cellularity?",
        "How densely packed are the nuclei?",
    ),
    "open space": (
        "How much open space is there?",
        "How much of this region is open space without tissue?",
    ),
    "focus": ("Is this region in focus?", "Is the picture sharp or blurred?"),
    "tissue": ("Is there tissue in this region?", "Does this region show tissue?"),
    "quadrant": (
        "Which quadrant has most nuclei?",
        "Where are most of the nuclei?",
    ),
}
"""Ways to ask, by question type; the first is the one the page offers."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "diagnosis": DIAGNOSES,
    "cellularity": CLAIM_VALUES["cellularity"],
    "open space": CLAIM_VALUES["open space"],
    "focus": CLAIM_VALUES["focus"],
    "tissue": ("yes", "no"),
    "quadrant": CLAIM_VALUES["most nuclei"],
}
"""Substantial answers, by question type."""

DECISIVE_CLAIMS: Mapping[str, str] = {
    "diagnosis": "pattern",
    "cellularity": "cellularity",
    "open space": "open space",
    "focus": "focus",
    "tissue": "tissue",
    "quadrant": "most nuclei",
}
"""The claim from which the answer follows."""

PATTERNS: Mapping[str, str] = {
    "benign lung tissue": "thin alveolar walls around air, as in benign lung tissue",
    "adenocarcinoma": "glands lined by atypical cells, as in adenocarcinoma",
    "squamous cell carcinoma": "solid sheets of atypical cells, as in squamous cell carcinoma",
    "other tissue": "a structure that is not lung, as in other tissue",
}
"""The pattern claim in words; each ends in the value it stands for."""

EXCLUSIONS: Mapping[str, str] = {
    "benign lung tissue": "the thin alveolar walls are missing",
    "adenocarcinoma": "no glands are formed",
    "squamous cell carcinoma": "no solid sheets are seen",
}
"""Why a diagnosis does not hold."""

KNOWLEDGE: Mapping[str, str] = {
    "cellularity": "Nuclei take up haematoxylin and turn blue, so their share tells cellularity.",
    "open space": "Air and vessel lumens let the light through and stay white.",
    "focus": "Sharp edges of nuclei mean that the scanner was in focus.",
    "tissue": "Tissue takes up eosin and haematoxylin, glass takes up nothing.",
    "quadrant": "Nuclei take up haematoxylin and turn blue, so the bluest part has most.",
}
"""The piece of knowledge that a trace names, by question type."""


@dataclass(frozen=True)
class Facts:
    """What is true of a picture; values that hold, the first the nominal one, empty if unknown."""

    claims: Mapping[str, tuple[str, ...]]
    """By claim the values that count as right; near a threshold both neighbours do."""

    def nominal(self, claim: str) -> str | None:
        """The value to write, None if it is not known."""
        values = self.claims.get(claim, ())
        return values[0] if values else None

    @property
    def assessable(self) -> bool:
        """Whether anything but focus and tissue can be told from the picture."""
        return self.nominal("tissue") != "absent" and self.nominal("focus") != "blurred"


def right_answer(question_type: str, facts: Facts) -> str:
    """The answer in words to a question of this type, options left aside."""
    if question_type == "tissue":
        return "yes" if facts.nominal("tissue") == "present" else "no"
    if facts.nominal("tissue") == "absent":
        return CANNOT_ASSESS
    if question_type != "focus" and not facts.assessable:
        return CANNOT_ASSESS
    value = facts.nominal(DECISIVE_CLAIMS[question_type])
    if value is None:
        return CANNOT_ASSESS
    return NONE_OF_THESE if value == "other tissue" else value


def option_lines(options: Sequence[str]) -> list[str]:
    """`A. adenocarcinoma` and so on."""
    return [f"{chr(65 + index)}. {option}" for index, option in enumerate(options)]


SHORT_QUESTION = "Name what is seen."
"""Asked where every word of the answer hangs on the picture: the alignment stage."""


def short_answer(facts: Facts) -> str:
    """All claims in as few words as they have, in one order: `sharp, high, low, adenocarcinoma`."""
    if facts.nominal("tissue") == "absent":
        return "absent"
    seen = [facts.nominal(claim) for claim in ("focus", "cellularity", "open space")]
    if facts.nominal("focus") == "blurred":
        seen = seen[:1]
    seen += [facts.nominal(claim) for claim in ("pattern", "most nuclei")]
    return ", ".join(value for value in seen if value)


DECIDED_WORDS = frozenset(
    word for values in CLAIM_VALUES.values() for value in values for word in value.split()
) - {"lung", "tissue", "cell", "carcinoma"} | {"thin", "glands", "solid", "a", "yes", "no"}
"""Words that the picture decides where a claim or the answer is written."""


def write_trace(question_type: str, facts: Facts, options: Sequence[str], answer: str) -> str:
    """The whole completion, tags included: what was looked at, what follows, the answer.

    `answer` is what stands in the answer tag: a letter with options, else words.
    """
    steps = [_first_step(facts)]
    if facts.nominal("tissue") != "absent":
        steps += _later_steps(question_type, facts, options)
    steps.append(_conclusion(right_answer(question_type, facts), options, answer))
    body = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return f"<think>\n{body}\n</think>\n<answer>{answer}</answer>"


def _first_step(facts: Facts) -> str:
    if facts.nominal("tissue") == "absent":
        return "Tissue: absent."
    return f"Tissue: present. Focus: {facts.nominal('focus')}."


def _later_steps(question_type: str, facts: Facts, options: Sequence[str]) -> list[str]:
    if question_type != "focus" and facts.nominal("focus") == "blurred":
        return ["Nuclei and walls cannot be told apart in a blurred picture."]
    if question_type == "diagnosis":
        return _diagnosis_steps(facts, options)
    claim = DECISIVE_CLAIMS[question_type]
    value = facts.nominal(claim)
    steps = [KNOWLEDGE[question_type]]
    if claim not in {"focus", "tissue"} and value is not None:
        steps.append(f"{claim.capitalize()}: {value}.")
    return steps


def _diagnosis_steps(facts: Facts, options: Sequence[str]) -> list[str]:
    measured = " ".join(
        f"{claim.capitalize()}: {facts.nominal(claim)}." for claim in ("cellularity", "open space")
    )
    pattern = facts.nominal("pattern") or "other tissue"
    steps = [measured, f"Pattern: {PATTERNS[pattern]}."]
    out = [name for name in DIAGNOSES if name != pattern and (not options or name in options)]
    if out:
        steps.append(" ".join(f"Not {name}: {EXCLUSIONS[name]}." for name in out))
    return steps


def _conclusion(answer: str, options: Sequence[str], letter: str) -> str:
    """The answer in words and, with options, its letter beside it, where it is read off."""
    if not options:
        return f"Conclusion: {answer}."
    if answer in options:
        return f"Conclusion: {answer} ({letter})."
    return f"Conclusion: {answer}{NOT_OFFERED} ({letter})."


def write_corpus(seed: int = 0, count: int = 4000) -> list[str]:
    """Questions and traces on invented facts: what the tokenizer learns its words from."""
    draw = random.Random(seed)  # noqa: S311
    texts = []
    for _ in range(count):
        kind = draw.choice(tuple(QUESTIONS))
        facts = Facts({claim: (draw.choice(values),) for claim, values in CLAIM_VALUES.items()})
        options = [*CHOICES[kind], NONE_OF_THESE, CANNOT_ASSESS]
        draw.shuffle(options)
        letter = draw.choice("ABCDEFGH")
        texts.append("\n".join([draw.choice(QUESTIONS[kind]), *option_lines(options)]))
        texts.append(write_trace(kind, facts, options, letter))
    return texts
