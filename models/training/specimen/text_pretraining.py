"""Text-only training sequences, from which a network learns to find words again.

Which letter precedes the option named in a conclusion is a matter of reading, not of vision, and
full traces contain too little of it to learn it from. So some batches are text alone, with many
lookups per sequence, and only what can be looked up is learnt. They are mixed with picture batches
and do not precede them: a network trained on text alone for long learns vision badly afterwards
(docs/training-log.md).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from transformers import PreTrainedTokenizerBase

from models.messages import Prompt
from models.prompts import QuestionText, build_prompt
from models.training.data.items import draw_options
from models.training.specimen.grammar import (
    CANNOT_ASSESS,
    CHOICES,
    CLAIM_VALUES,
    NONE_OF_THESE,
    NOT_OFFERED,
    QUESTIONS,
    Facts,
    right_answer,
    write_trace,
)
from models.training.specimen.picture_sampler import ItemMix
from models.training.trainer.encoding import IGNORE_INDEX, Encoder, TrainingSequence

LETTERS = "ABCDEFGH"
GIVEN_PREFIX_END = "Conclusion:"
"""End of the given part of a trace; the rest follows from it and is learnt."""
LEAST_LETTERS = 4
"""Fewest letters of a plain word in such sequences."""


class TextSampler:
    """Draws text-only sequences; each kind is a method, listed in `KINDS`."""

    def __init__(self, encoder: Encoder, mix: ItemMix) -> None:
        """The mix is that of the questions; here, all of them have options."""
        self._encoder = encoder
        self._mix = replace(mix, free_form=0.0)
        self._words = list_plain_words(encoder.tokenizer)

    def draw(self, kind: str, chance: random.Random) -> TrainingSequence:
        """One sequence of a kind in `KINDS`."""
        return KINDS[kind](self, chance)

    def draw_repeated_words(self, chance: random.Random) -> TrainingSequence:
        """Random words, repeated once; the repetition is learnt."""
        words = "".join(f" {chance.choice(self._words)}" for _ in range(chance.randint(8, 24)))
        return self._encode_pieces([(words, False), (words, True)])

    def draw_tagged_words(self, chance: random.Random) -> TrainingSequence:
        """Single words under shuffled letters; the letters are learnt."""
        letters = chance.sample(LETTERS, chance.randint(2, 4))
        return self._encode_option_lookup(
            letters, chance.sample(self._words, len(letters)), (), chance
        )

    def draw_option_list(self, chance: random.Random) -> TrainingSequence:
        """Options or other phrases; their letters, and which are not offered, are learnt."""
        if chance.random() < 0.5:
            pool = list(chance.choice(tuple(CHOICES.values())))
        else:
            counts = [chance.randint(1, 3) for _ in range(chance.randint(3, 6))]
            pool = [" ".join(chance.sample(self._words, count)) for count in counts]
        absent = chance.sample(pool, 1) if len(pool) > 2 and chance.random() < 0.4 else []
        options = [option for option in pool if option not in absent]
        options += [each for each in (NONE_OF_THESE, CANNOT_ASSESS) if chance.random() < 0.5]
        if absent and NONE_OF_THESE not in options:
            options.append(NONE_OF_THESE)
        chance.shuffle(options)
        letters = list(LETTERS[: len(options)])
        if chance.random() < 0.5:
            letters = chance.sample(LETTERS, len(options))
        return self._encode_option_lookup(letters, options, absent, chance)

    def draw_trace(self, chance: random.Random) -> TrainingSequence:
        """A question with its trace on random facts; the conclusion and its letter are learnt."""
        kind = chance.choice(tuple(QUESTIONS))
        facts = _invented(kind, chance)
        options, answer = draw_options(kind, right_answer(kind, facts), self._mix, chance)
        question = QuestionText(chance.choice(QUESTIONS[kind]), options)
        words = write_trace(kind, facts, options, LETTERS[options.index(answer)])
        prompt: Prompt = build_prompt(question, (), self._encoder.model)
        encoded = self._encoder.encode(prompt, None, words)
        given_tokens = self._encoder.count_tokens(
            words[: words.index(GIVEN_PREFIX_END) + len(GIVEN_PREFIX_END)]
        )
        start = int((encoded.labels != IGNORE_INDEX).nonzero()[0])
        encoded.labels[start : start + given_tokens] = IGNORE_INDEX
        encoded.decided[start : start + given_tokens] = False
        return encoded

    def _encode_option_lookup(
        self,
        letters: Sequence[str],
        options: Sequence[str],
        absent: Sequence[str],
        chance: random.Random,
    ) -> TrainingSequence:
        """Options, then many of them in random order, each with its letter to be learnt."""
        lines = [f"{tag}. {option}\n" for tag, option in zip(letters, options, strict=True)]
        pieces = [("<|im_start|>user\n" + "".join(lines) + "<|im_end|>\n", False)]
        pieces.append(("<|im_start|>assistant\n", False))
        for _ in range(8):
            named = chance.choice([*options, *absent])
            pieces.append((f" {named}", False))
            if named in absent:
                pieces.append((NOT_OFFERED, True))
                named = NONE_OF_THESE
            # if all are offered, the bracket is predictable and would halve the letters' weight
            pieces += [(" (", bool(absent)), (letters[options.index(named)], True), (").", False)]
        return self._encode_pieces(pieces)

    def _encode_pieces(self, pieces: Sequence[tuple[str, bool]]) -> TrainingSequence:
        """One sequence from pieces, each learnt or given."""
        ids: list[int] = []
        learnt: list[bool] = []
        for words, taught in pieces:
            new = self._encoder.tokenizer(words, add_special_tokens=False).input_ids
            ids += new
            learnt += [taught] * len(new)
        tokens, learnt_mask = torch.tensor(ids), torch.tensor(learnt)
        tensors = {"input_ids": tokens, "mm_token_type_ids": torch.zeros_like(tokens)}
        return TrainingSequence(
            tensors, tokens.masked_fill(~learnt_mask, IGNORE_INDEX), learnt_mask
        )


KINDS: Mapping[str, Callable[[TextSampler, random.Random], TrainingSequence]] = {
    "repeated": TextSampler.draw_repeated_words,
    "tagged": TextSampler.draw_tagged_words,
    "listed": TextSampler.draw_option_list,
    "traced": TextSampler.draw_trace,
}
"""Kinds of sequences, from the simplest to the final task."""


def list_plain_words(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """Words that are a single token after a space, in order of their ids."""
    pieces = (str(tokenizer.decode([number])) for number in range(len(tokenizer)))
    words = (piece[1:] for piece in pieces if piece.startswith(" "))
    return tuple(word for word in words if word.isalpha() and len(word) >= LEAST_LETTERS)


def _invented(kind: str, chance: random.Random) -> Facts:
    """Random facts that leave most questions answerable."""
    claims = {claim: (chance.choice(values),) for claim, values in CLAIM_VALUES.items()}
    if kind != "tissue" and chance.random() < 0.9:
        claims["tissue"] = ("present",)
    if kind != "focus" and chance.random() < 0.9:
        claims["focus"] = ("sharp",)
    return Facts(claims)
