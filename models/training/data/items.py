"""Items of all training stages and tests: questions about tiles, with measured answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.training.data.tiles import Tile
from models.training.specimen.grammar import (
    CANNOT_ASSESS,
    CHOICES,
    NONE_OF_THESE,
    QUESTIONS,
    Facts,
    right_answer,
)
from models.training.specimen.mosaics import PictureRecipe
from models.training.specimen.mosaics import draw_picture as draw_picture
from models.training.specimen.picture_sampler import ItemMix, PictureSampler

ANSWERABLE = "answerable"
"""Situation of an item whose correct answer is substantial."""
OPEN_ENDED = ("diagnosis", "cellularity", "open space", "quadrant")
"""Question types whose correct option may be missing."""


@dataclass(frozen=True)
class TrainingItem:
    """A question about a picture."""

    item_id: str
    """Unique within its split and seed."""
    picture: PictureRecipe
    """Recipe of the picture, for `draw_picture`."""
    question_type: str
    """One of `grammar.QUESTIONS`."""
    question: str
    """Question text, without options."""
    options: tuple[str, ...]
    """Options without letters, in the order shown; empty for a free answer."""
    answer: str
    """Correct answer in words."""
    facts: Facts
    """Facts about the picture as shown; only those that can be told from it."""
    group_id: str
    """Group of the tile, or of a mosaic's fullest part; its own if no tile is shown."""
    split: str
    """Split of its tiles."""
    label: str | None
    """Label of the tile; None for a mosaic or an empty picture."""

    @property
    def gold(self) -> str:
        """Content of the answer tag: a letter, or words if there are no options."""
        if not self.options:
            return self.answer
        return chr(65 + self.options.index(self.answer))

    @property
    def situation(self) -> str:
        """`answerable`, or the words of the abstention that is correct."""
        return self.answer if self.answer in (NONE_OF_THESE, CANNOT_ASSESS) else ANSWERABLE


def render_item(item: TrainingItem) -> NDArray[np.uint8]:
    """Pixels of the item's picture, (224, 224, 3) uint8. Raises DataError for a missing tile."""
    return draw_picture(item.picture)


def without_abstentions(item: TrainingItem) -> TrainingItem:
    """An answerable item without the two abstentions; the difference is what they cost."""
    options = tuple(
        option for option in item.options if option not in (NONE_OF_THESE, CANNOT_ASSESS)
    )
    return replace(item, item_id=f"{item.item_id}-plain", options=options)


def make_items(
    tiles: Sequence[Tile],
    split: str,
    *,
    count: int,
    seed: int,
    mix: ItemMix | None = None,
    vary: bool = False,
) -> Iterator[TrainingItem]:
    """Yield `count` items of a split; the same tiles, mix and seed give the same items.

    Labels, groups and answers are balanced; every group of a label is used once before any is used
    again. With `vary`, a tile is shown by a part of at least 0.7 of its side, and facts are those
    of that part. Raises DataError if the split lacks tiles that the mix requires.
    """
    mix = mix or ItemMix()
    showcase = PictureSampler([tile for tile in tiles if tile.split == split], seed, mix, vary)
    draw = random.Random(f"items {seed}")  # noqa: S311 - a choice, no secret
    for number in range(count):
        yield _item(f"{split}-{seed}-{number:05d}", split, showcase, mix, draw)


def _item(
    item_id: str, split: str, showcase: PictureSampler, mix: ItemMix, draw: random.Random
) -> TrainingItem:
    """One item of a randomly drawn type."""
    kind = draw.choices(list(mix.types), list(mix.types.values()))[0]
    sampled = showcase.sample(kind)
    answer = right_answer(kind, sampled.facts)
    options: tuple[str, ...] = ()
    if draw.random() >= mix.free_form:
        options, answer = draw_options(kind, answer, mix, draw)
    return TrainingItem(
        item_id=item_id,
        picture=sampled.picture,
        question_type=kind,
        question=draw.choice(QUESTIONS[kind]),
        options=options,
        answer=answer,
        facts=sampled.facts,
        group_id=sampled.group_id,
        split=split,
        label=sampled.label,
    )


def draw_options(
    kind: str, answer: str, mix: ItemMix, draw: random.Random
) -> tuple[tuple[str, ...], str]:
    """Options in the order shown, and the correct answer among them."""
    choices = list(CHOICES[kind])
    declining = [option for option in (NONE_OF_THESE, CANNOT_ASSESS) if draw.random() < mix.spare]
    if answer in choices and kind in OPEN_ENDED and draw.random() < mix.missing:
        choices.remove(answer)
        answer = NONE_OF_THESE
    elif len(choices) > 2 and draw.random() < mix.fewer:
        choices.remove(draw.choice([each for each in choices if each != answer]))
    if answer not in choices and answer not in declining:
        declining.append(answer)
    draw.shuffle(choices)
    draw.shuffle(declining)
    options = choices + declining
    if draw.random() < 0.5:
        draw.shuffle(options)
    return tuple(options), answer
