"""Questions without a picture: what a network can learn of the words alone.

Which letter stands before the option that says what the conclusion says is a matter of reading, and
takes a small network longer than seeing does. So some batches are text: facts are invented, stand
in the trace as given, and only what follows from them is learnt.
"""

from __future__ import annotations

import random

import numpy as np

from models.messages import Prompt
from models.prompts import Question, build_prompt
from models.training.encoding import IGNORED, Encoded, Encoder
from models.training.items import offered
from models.training.language import CLAIM_VALUES, QUESTIONS, Facts, right_answer, write_trace
from models.training.showing import Mix

GIVEN_UNTIL = "Conclusion:"
"""What stands before it in a trace is given; the rest follows from it and is learnt."""


def draw_wording(encoder: Encoder, mix: Mix, draw: np.random.Generator) -> Encoded:
    """One question of any type about invented facts, with its trace; the conclusion is learnt."""
    chance = random.Random(int(draw.integers(2**31)))  # noqa: S311 - a choice, no secret
    kind = chance.choice(tuple(QUESTIONS))
    facts = _invented(kind, chance)
    options, answer = offered(kind, right_answer(kind, facts), mix, chance)
    question = Question(chance.choice(QUESTIONS[kind]), options)
    words = write_trace(kind, facts, options, chr(65 + options.index(answer)))
    prompt: Prompt = build_prompt(question, (), encoder.model)
    encoded = encoder.encode(prompt, None, words)
    given = encoder.tokens(words[: words.index(GIVEN_UNTIL)])
    start = int((encoded.labels != IGNORED).nonzero()[0])
    encoded.labels[start : start + given] = IGNORED
    encoded.decided[start : start + given] = False
    return encoded


def _invented(kind: str, chance: random.Random) -> Facts:
    """Facts that leave most questions answerable."""
    claims = {claim: (chance.choice(values),) for claim, values in CLAIM_VALUES.items()}
    if kind != "tissue" and chance.random() < 0.9:
        claims["tissue"] = ("present",)
    if kind != "focus" and chance.random() < 0.9:
        claims["focus"] = ("sharp",)
    return Facts(claims)
