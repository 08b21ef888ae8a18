"""Sampling of pictures for a type of question, with their facts."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.training.data.tiles import DataError, Tile
from models.training.specimen.grammar import CHOICES, DECISIVE_CLAIMS, Facts
from models.training.specimen.measures import Measures, derive_facts, measure
from models.training.specimen.mosaics import (
    PictureRecipe,
    TileView,
    draw_picture,
    laid_counts,
    quadrant_shares,
)

PATTERN = {
    "benign": "benign lung tissue",
    "adenocarcinoma": "adenocarcinoma",
    "squamous_cell_carcinoma": "squamous cell carcinoma",
    "other": "other tissue",
    "phantom": "other tissue",
}
"""Known pattern of a tile by its label."""
FEWEST = 8
"""Fewest nuclei in the fullest quadrant of a phantom."""
TRIES = 60
"""Attempts per item before the tiles count as unsuitable."""


@dataclass(frozen=True)
class ItemMix:
    """Frequencies of kinds of items; shares of 1."""

    types: Mapping[str, float] = field(
        default_factory=lambda: {
            "diagnosis": 0.42,
            "cellularity": 0.12,
            "open space": 0.12,
            "focus": 0.08,
            "tissue": 0.06,
            "quadrant": 0.20,
        }
    )
    """Weights of question types."""
    free_form: float = 0.2
    """Items without options."""
    blurred: float = 0.07
    """Items out of focus, where that hides the answer."""
    empty: float = 0.05
    """Items without tissue, where that hides the answer."""
    missing: float = 0.12
    """Items without the correct option, among those with options."""
    foreign: float = 0.1
    """Diagnosis questions about tissue other than lung."""
    spare: float = 0.5
    """Items that offer each of the two abstentions although an answer is there."""
    glass: float = 0.0
    """Mosaics with background in all quadrants but one: an easy task that teaches an untrained
    network left and right.
    """
    phantom: float = 0.25
    """Phantoms, among items about a measured attribute."""
    fewer: float = 0.3
    """Items that lack a wrong option although the correct one is there."""


@dataclass(frozen=True)
class SampledPicture:
    """A picture with its facts."""

    picture: PictureRecipe
    """Recipe of the picture."""
    facts: Facts
    """Facts that can be told from it."""
    group_id: str
    """Group of the tile, or of a mosaic's fullest part; its own if no tile is shown."""
    label: str | None
    """Label of the tile; None for a mosaic or an empty picture."""


class PictureSampler:
    """Draws tiles of one split, balancing labels, groups and values."""

    def __init__(self, tiles: Sequence[Tile], seed: int, mix: ItemMix, vary: bool) -> None:
        """Raises DataError if there is no lung tile."""
        self._draw = random.Random(f"pictures {seed}")  # noqa: S311 - a choice, no secret
        self._mix = mix
        self._vary = vary
        self._decks: dict[str, TileDeck] = {}
        for label in sorted({tile.label for tile in tiles}):
            own = [tile for tile in tiles if tile.label == label]
            self._decks[label] = TileDeck(own, random.Random(f"deck {seed} {label}"))  # noqa: S311
        self._lung = [label for label in self._decks if PATTERN[label] != "other tissue"]
        self._foreign = [label for label in self._decks if PATTERN[label] == "other tissue"]
        self._wanted: dict[str, int] = {}
        self._measured: dict[Path, Measures] = {}
        if not self._lung:
            message = "The split has no lung tiles; `train data import` brings them."
            raise DataError(message)

    def sample(self, kind: str) -> SampledPicture:
        """A picture suitable for a question of this type."""
        chance = self._draw.random()
        if kind == "tissue":
            return self._empty() if chance < 0.45 else self._sharp_or_not(0.2)
        if kind == "focus":
            return self._empty() if chance < self._mix.empty else self._sharp_or_not(0.5)
        if chance < self._mix.empty:
            return self._empty()
        if chance < self._mix.empty + self._mix.blurred:
            return self._sharp_or_not(1.0)
        if kind == "quadrant":
            return self._quadrant()
        if kind == "diagnosis":
            foreign = self._foreign and self._draw.random() < self._mix.foreign
            return self._of(self._foreign if foreign else self._lung, ())
        return self._level(kind)

    def _level(self, kind: str) -> SampledPicture:
        """A picture with a clear value, cycling through the values that the tiles have."""
        values = CHOICES[kind]
        turn = self._wanted.get(kind, self._draw.randrange(len(values)))
        self._wanted[kind] = turn + 1
        for value in (values[turn % len(values)], None):
            picture = self._try_of(self._mixed(), (DECISIVE_CLAIMS[kind],), value)
            if picture is not None:
                return picture
        raise self._unfit(kind)

    def _sharp_or_not(self, blurred: float) -> SampledPicture:
        """Any tile; blurred with this probability."""
        if self._draw.random() >= blurred:
            return self._of(self._mixed(), ("focus",))
        for _ in range(TRIES):
            tile = self._tile(self._mixed())
            sigma = self._draw.uniform(3.0, 5.0)
            picture = PictureRecipe("tile", (tile,), self._view(), blur=sigma)
            facts = derive_facts(measure(draw_picture(picture)))
            if facts.claims["tissue"] == ("present",) and facts.claims["focus"] == ("blurred",):
                # nothing else can be told from a blurred picture
                claims = {claim: facts.claims[claim] for claim in ("tissue", "focus")}
                return SampledPicture(picture, Facts(claims), tile.group_id, tile.label)
        raise self._unfit("focus")

    def _empty(self) -> SampledPicture:
        seed = self._draw.randrange(2**31)
        return SampledPicture(
            PictureRecipe("empty", seed=seed), Facts({"tissue": ("absent",)}), f"empty-{seed}", None
        )

    def _quadrant(self) -> SampledPicture:
        """Half mosaics of lung, the rest phantoms if there are any, both with a clear margin."""
        for _ in range(TRIES):
            phantom = "phantom" in self._decks and self._draw.random() < 0.5
            picture = self._phantom_quadrant() if phantom else self._mosaic()
            if picture is not None:
                return picture
        raise self._unfit("quadrant")

    def _phantom_quadrant(self) -> SampledPicture | None:
        tile = self._tile(["phantom"])
        if tile.quadrant_counts is None or max(tile.quadrant_counts.values()) < FEWEST:
            return None
        view = replace(self._view(), left_edge=0.0, top_edge=0.0, share=1.0)
        picture = PictureRecipe("tile", (tile,), view)
        counts = laid_counts(tile.quadrant_counts, view)
        return self._clear(picture, counts, tile.group_id, tile.label)

    def _mosaic(self) -> SampledPicture | None:
        """Four lung tiles of different groups, each with a quarter of it at its own scale."""
        parts = [self._tile(self._lung) for _ in range(4)]
        view = replace(self._view(), share=0.5)
        left, top = (self._draw.uniform(0, 0.5) for _ in range(2))
        glass, seed = self._glass()
        view = replace(view, left_edge=left, top_edge=top)
        picture = PictureRecipe("mosaic", tuple(parts), view, glass=glass, seed=seed)
        shares = quadrant_shares(draw_picture(picture))
        fullest = parts[list(shares).index(max(shares, key=lambda name: shares[name]))]
        return self._clear(picture, shares, fullest.group_id, None)

    def _glass(self) -> tuple[tuple[int, ...], int]:
        """Empty quadrants of a mosaic, and the seed of their background."""
        if not self._mix.glass or self._draw.random() >= self._mix.glass:
            return (), 0
        quadrant = self._draw.randrange(4)
        return tuple(place for place in range(4) if place != quadrant), self._draw.randrange(2**31)

    def _clear(
        self, picture: PictureRecipe, quadrants: Mapping[str, float], group: str, label: str | None
    ) -> SampledPicture | None:
        facts = derive_facts(measure(draw_picture(picture)), quadrants=quadrants)
        if facts.nominal("most nuclei") is None or not _is_plain(facts):
            return None
        return SampledPicture(picture, facts, group, label)

    def _of(self, labels: Sequence[str], clear: Sequence[str]) -> SampledPicture:
        picture = self._try_of(labels, clear, None)
        if picture is None:
            raise self._unfit("diagnosis")
        return picture

    def _try_of(
        self, labels: Sequence[str], clear: Sequence[str], value: str | None
    ) -> SampledPicture | None:
        """A tile in focus with one accepted value for each of `clear`; None if none is found."""
        for _ in range(TRIES):
            tile = self._tile(labels)
            tile_facts = derive_facts(self._of_whole(tile), pattern=PATTERN[tile.label])
            if not _fits(tile_facts, clear, value):
                continue
            picture = PictureRecipe("tile", (tile,), self._view())
            facts = tile_facts
            if self._vary:  # rotation and mirroring change no measurement
                facts = derive_facts(measure(draw_picture(picture)), pattern=PATTERN[tile.label])
            if _fits(facts, clear, value):
                return SampledPicture(picture, facts, tile.group_id, tile.label)
        return None

    def _of_whole(self, tile: Tile) -> Measures:
        """Cached measurements of the whole tile."""
        if tile.path not in self._measured:
            self._measured[tile.path] = measure(draw_picture(PictureRecipe("tile", (tile,))))
        return self._measured[tile.path]

    def _mixed(self) -> list[str]:
        """Lung labels, or foreign tissue as often as the mix says."""
        foreign = self._foreign and self._draw.random() < self._mix.phantom
        return self._foreign if foreign else self._lung

    def _tile(self, labels: Sequence[str]) -> Tile:
        return self._decks[self._draw.choice(labels)].next()

    def _view(self) -> TileView:
        """Random rotation and mirroring; with `vary`, a part of the tile."""
        turns, mirrored = self._draw.randrange(4), self._draw.random() < 0.5
        if not self._vary:
            return TileView(turns=turns, mirrored=mirrored)
        share = self._draw.uniform(0.7, 1.0)
        left, top = (self._draw.uniform(0, 1 - share) for _ in range(2))
        return TileView(left, top, share, turns, mirrored)

    def _unfit(self, kind: str) -> DataError:
        return DataError(f"No tile of the split suits a question about {kind}; import more tiles.")


class TileDeck:
    """Tiles of one label; every group is used once before any is used again."""

    def __init__(self, tiles: Sequence[Tile], draw: random.Random) -> None:
        self._draw = draw
        self._groups: dict[str, list[Tile]] = {}
        for tile in tiles:
            self._groups.setdefault(tile.group_id, []).append(tile)
        self._left: list[str] = []

    def next(self) -> Tile:
        """Next tile of the next group."""
        if not self._left:
            self._left = sorted(self._groups)
            self._draw.shuffle(self._left)
        own = self._groups[self._left.pop()]
        tile = own.pop(self._draw.randrange(max(1, len(own) - 1)))
        own.append(tile)  # do not repeat the last tile
        return tile


def _is_plain(facts: Facts) -> bool:
    """Whether tissue is present and in focus without doubt."""
    return facts.claims["tissue"] == ("present",) and facts.claims.get("focus") == ("sharp",)


def _fits(facts: Facts, clear: Sequence[str], value: str | None) -> bool:
    """Whether a picture is plain, and `clear` claims have one accepted value, one being `value`."""
    sure = all(len(facts.claims.get(claim, ())) == 1 for claim in clear)
    wanted = value is None or any(facts.nominal(claim) == value for claim in clear)
    return sure and wanted and _is_plain(facts)
