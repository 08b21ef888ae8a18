"""Grammar of the embedded model's questions and answers.

A question has a type; a trace states *claims*, each of which can be checked against the pixels
(`measures.py`) or against known facts about the tile. `write_trace` and the judge in `claims.py`
share the phrases below, so one table serves both writing and reading.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NONE_OF_THESE = "none of these"
CANNOT_ASSESS = "cannot assess from this region"

NOT_OFFERED = f", which is not offered, so {NONE_OF_THESE}"
"""Continuation of a conclusion that is not among the options."""

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
"""Possible values of every claim."""

DIAGNOSES = CLAIM_VALUES["pattern"][:3]
"""Diagnoses that the embedded model was trained on; it knows nothing else of pathology."""

REQUIRED_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "diagnosis": ("tissue", "focus", "cellularity", "open space", "pattern"),
    "cellularity": ("tissue", "focus", "cellularity"),
    "open space": ("tissue", "focus", "open space"),
    "focus": ("tissue", "focus"),
    "tissue": ("tissue",),
    "quadrant": ("tissue", "focus", "most nuclei"),
}
"""Claims required in a trace, by question type; a missing one counts as wrong."""

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
"""Wordings by question type; the page offers the first."""

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
"""Claim from which the answer follows, by question type."""

PATTERNS: Mapping[str, str] = {
    "benign lung tissue": "thin alveolar walls around air, as in benign lung tissue",
    "adenocarcinoma": "glands lined by atypical cells, as in adenocarcinoma",
    "squamous cell carcinoma": "solid sheets of atypical cells, as in squamous cell carcinoma",
    "other tissue": "a structure that is not lung, as in other tissue",
}
"""Pattern claim in words, by value; each ends in its value."""

EXCLUSIONS: Mapping[str, str] = {
    "benign lung tissue": "the thin alveolar walls are missing",
    "adenocarcinoma": "no glands are formed",
    "squamous cell carcinoma": "no solid sheets are seen",
}
"""Reasons that exclude a diagnosis."""

KNOWLEDGE: Mapping[str, str] = {
    "cellularity": "Nuclei take up haematoxylin and turn blue, so their share tells cellularity.",
    "open space": "Air and vessel lumens let the light through and stay white.",
    "focus": "Sharp edges of nuclei mean that the scanner was in focus.",
    "tissue": "Tissue takes up eosin and haematoxylin, glass takes up nothing.",
    "quadrant": "Nuclei take up haematoxylin and turn blue, so the bluest part has most.",
}
"""Knowledge that a trace names, by question type."""


@dataclass(frozen=True)
class Facts:
    """Facts about a picture: values that hold, the nominal one first; empty if unknown."""

    claims: Mapping[str, tuple[str, ...]]
    """Correct values by claim; near a threshold, both neighbours."""

    def nominal(self, claim: str) -> str | None:
        """Value to write; None if unknown."""
        values = self.claims.get(claim, ())
        return values[0] if values else None

    @property
    def assessable(self) -> bool:
        """Whether anything but focus and tissue can be told from the picture."""
        return self.nominal("tissue") != "absent" and self.nominal("focus") != "blurred"


def right_answer(question_type: str, facts: Facts) -> str:
    """Answer in words to a question of this type, regardless of options."""
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
    """Option lines: `A. adenocarcinoma` and so on."""
    return [f"{chr(65 + index)}. {option}" for index, option in enumerate(options)]


SHORT_QUESTION = "Name what is seen."
"""Question of the alignment stage, where every word of the answer depends on the picture."""


def short_answer(facts: Facts) -> str:
    """All claims, as briefly as possible in a fixed order: `sharp, high, low, adenocarcinoma`."""
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
"""Words that depend on the picture in a claim or an answer."""


def write_trace(question_type: str, facts: Facts, options: Sequence[str], answer: str) -> str:
    """Write the full completion with tags: observations, conclusion, answer.

    `answer` is the content of the answer tag: a letter with options, otherwise words.
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
    """Answer in words and, with options, its letter."""
    if not options:
        return f"Conclusion: {answer}."
    if answer in options:
        return f"Conclusion: {answer} ({letter})."
    return f"Conclusion: {answer}{NOT_OFFERED} ({letter})."


def write_corpus(seed: int = 0, count: int = 4000) -> list[str]:
    """Questions and traces on random facts, for training the tokenizer."""
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
