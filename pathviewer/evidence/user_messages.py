"""What the evidence package says to people."""

from __future__ import annotations

# archive
EVIDENCE_DAMAGED = "The evidence map of this answer is damaged; ask again."


# claims
def depends_on_place(factor: float) -> str:
    return (
        f"Depends on this place: blurred, it makes the words {times(factor)} less likely than as "
        "much blurred elsewhere."
    )


def depends_on_region(factor: float) -> str:
    return (
        "Depends on the region as a whole: with it blurred or blanked the words are "
        f"{times(factor)} less likely, and the strongest place does not stand out from others."
    )


def speaks_against(factor: float) -> str:
    return (
        "Depends on the region as a whole, which speaks against these words: without it they are "
        f"{times(factor)} likelier."
    )


DOES_NOT_DEPEND = (
    "Does not depend on the picture: with it blurred or blanked the words are nearly as likely."
)


def with_reasoning(sentence: str) -> str:
    return f"With its reasoning: {sentence[0].lower()}{sentence[1:]}"


def times(factor: float) -> str:
    if factor > 100:
        return "more than 100 times"
    return f"{factor:.1f} times" if factor < 10 else f"{factor:.0f} times"


# drawable_maps
QUICK_FORM = "Quick form: attention × gradient; no unit, not tested."
NOT_TESTED = "Not tested: it has no words."


def scale_caption(top: float) -> str:
    """`top` is the greatest loss of a cell, in nats."""
    return f"Colours: change of log-probability, 0 to {top:.2g} nats."


# evidence_json
ANSWER_EMPTY = "This answer is empty, so it has no evidence map."
NO_WORDS_IN_QUICK_FORM = "This evidence map is a quick form, which has no maps of single words."


def no_such_tokens(first: int, last: int, count: int) -> str:
    return f"There is no evidence of tokens {first} to {last}; the answer has {count} tokens."
