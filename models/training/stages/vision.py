"""Stage 1, vision: the tower learns to see before the network learns words.

Two temporary heads: one predicts tissue and focus from the mean of the visual tokens, one predicts
for each token the shares of nuclei and open space in its cell. The second teaches every token to
describe what lies under it, which questions about location need.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from models.flat_histogram import equalise_histogram
from models.training.data.tile_augmentation import (
    AugmentationRange,
    MaskedTile,
    recolour,
    transform_tile,
)
from models.training.data.tiles import Tile, load_rgb, read_tiles
from models.training.specimen.measures import cell_shares, nuclear_mask, open_mask
from models.training.trainer.loop import LoopConfig, TrainingLoop
from models.training.trainer.run_folder import (
    allow_changes,
    begin_run,
    copy_with_weights,
    device,
    find_start_model,
    load_network,
)
from models.training.trainer.stage_config import StageConfig

LABELS = ("benign", "adenocarcinoma", "squamous_cell_carcinoma", "other")
"""Classes of the class head; phantoms are `other`."""

GRIDS = ((6, 6), (6, 6), (6, 6), (5, 5), (5, 8), (8, 5), (4, 6), (6, 4), (7, 7), (8, 8))
"""Rows and columns of token cells, drawn per batch; small ones often, because they are cheap."""


class VisionConfig(StageConfig):
    """Config of this stage."""

    data: tuple[Path, ...]
    """Data folders with a manifest."""
    batch: int = Field(default=8, ge=1)
    """Pictures per batch."""
    other_share: float = Field(default=0.15, ge=0, le=1)
    """Share of pictures from phantoms."""
    blurred_share: float = Field(default=0.1, ge=0, le=1)
    """Share of pictures out of focus."""
    dense_weight: float = Field(default=1.0, ge=0)
    """Weight of the per-token loss."""
    look: Annotated[dict[str, float], allow_changes(AugmentationRange)] = Field(
        default_factory=dict
    )
    """Changes to `AugmentationRange`."""
    loop: LoopConfig
    """Settings of the training loop."""


@dataclass(frozen=True)
class Batch:
    """Pictures of one grid size with their targets."""

    pixels: Tensor
    """(pictures * patches, 1176) float32, as from the processor."""
    grid: Tensor
    """(pictures, 3): frames, patch rows, patch columns."""
    label: Tensor
    """(pictures,): index in `LABELS`."""
    blurred: Tensor
    """(pictures,): 1 where out of focus."""
    cells: Tensor
    """(pictures, tokens, 2): shares of nuclei and of open space."""

    def to(self, place: torch.device) -> Batch:
        """Move to a device."""
        return Batch(*(getattr(self, field.name).to(place) for field in fields(self)))


class Heads(nn.Module):
    """The tower with two heads."""

    def __init__(self, tower: nn.Module, width: int) -> None:
        super().__init__()
        self.tower = tower
        self.whole = nn.Linear(width, len(LABELS) + 1)
        self.dense = nn.Linear(width, 2)

    def forward(self, pixels: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
        """(pictures, labels + 1) for the whole picture, (pictures, tokens, 2) for each token."""
        features = self.tower(pixels, grid_thw=grid).pooler_output
        features = features.view(len(grid), -1, features.shape[-1])
        return self.whole(features.mean(dim=1)), self.dense(features)


class TileSource:
    """Draws pictures from the tiles of one split; masks are measured once per tile."""

    def __init__(self, tiles: list[Tile], config: VisionConfig, processor: Any) -> None:
        self._config = config
        self._processor = processor
        self._look = AugmentationRange(**config.look)
        self._masked: dict[Path, MaskedTile] = {}
        self._groups: dict[str, dict[str, list[Tile]]] = {}
        for tile in tiles:
            label = tile.label if tile.label in LABELS[:3] else "other"
            self._groups.setdefault(label, {}).setdefault(tile.group_id, []).append(tile)

    def batch(self, step: int, number: int) -> Batch:
        """A batch of a step, balanced by class and, within a class, by group."""
        draw = np.random.default_rng([self._config.loop.seed, step, number])
        rows, columns = GRIDS[int(draw.integers(len(GRIDS)))]
        pictures, labels, blurred, cells = [], [], [], []
        for _ in range(self._config.batch):
            label = self._draw_label(draw)
            view = transform_tile(
                self.measure_masks(self._draw_tile(label, draw)), rows, columns, self._look, draw
            )
            out_of_focus = draw.random() < self._config.blurred_share
            pictures.append(self._picture(view.rgb, out_of_focus, draw))
            labels.append(LABELS.index(label))
            blurred.append(float(out_of_focus))
            cells.append(cell_targets(view, rows, columns))
        seen = self._processor(images=pictures, return_tensors="pt", do_resize=False)
        return Batch(
            seen["pixel_values"],
            seen["image_grid_thw"],
            torch.tensor(labels),
            torch.tensor(blurred),
            torch.from_numpy(np.stack(cells)),
        )

    def measure_masks(self, tile: Tile) -> MaskedTile:
        """The tile with its masks."""
        if tile.path not in self._masked:
            rgb = load_rgb(tile)
            space = open_mask(rgb)
            nuclear = nuclear_mask(rgb) & ~space
            self._masked[tile.path] = MaskedTile(
                rgb, nuclear.astype(np.uint8) * 255, space.astype(np.uint8) * 255
            )
        return self._masked[tile.path]

    def _draw_label(self, draw: np.random.Generator) -> str:
        if "other" in self._groups and draw.random() < self._config.other_share:
            return "other"
        known = [label for label in LABELS[:3] if label in self._groups]
        return known[int(draw.integers(len(known)))]

    def _draw_tile(self, label: str, draw: np.random.Generator) -> Tile:
        groups = list(self._groups[label].values())
        group = groups[int(draw.integers(len(groups)))]
        return group[int(draw.integers(len(group)))]

    def _picture(
        self, rgb: NDArray[np.uint8], out_of_focus: bool, draw: np.random.Generator
    ) -> Image.Image:
        picture = Image.fromarray(recolour(rgb, self._look, draw))
        if out_of_focus:
            picture = picture.filter(ImageFilter.GaussianBlur(draw.uniform(2.5, 4.5)))
        return picture


def cell_targets(view: MaskedTile, rows: int, columns: int) -> NDArray[np.float32]:
    """(tokens, 2): shares of nuclei and of open space in each token's cell, row by row."""
    planes = [cell_shares(mask, rows, columns).reshape(-1) for mask in (view.nuclear, view.space)]
    return np.stack(planes, axis=1)


def compute_loss(
    heads: Heads, config: VisionConfig, batch: Batch
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of label and focus, binary cross-entropy of the cells' shares."""
    tile_logits, dense = heads(batch.pixels, batch.grid)
    names = functional.cross_entropy(tile_logits[:, :-1], batch.label, label_smoothing=0.1)
    focus = functional.binary_cross_entropy_with_logits(tile_logits[:, -1], batch.blurred)
    cells = functional.binary_cross_entropy_with_logits(dense, batch.cells)
    right = (tile_logits[:, :-1].argmax(1) == batch.label).float().mean()
    figures = {
        "names": names.item(),
        "focus": focus.item(),
        "cells": cells.item(),
        "right": right.item(),
    }
    return names + 0.5 * focus + config.dense_weight * 2.0 * cells, figures


def evaluate(heads: Heads, tiles: list[Tile], processor: Any) -> dict[str, float]:
    """Share of lung tiles classified correctly, one per group, in colour and by form alone."""
    one_each = list({tile.group_id: tile for tile in tiles if tile.label in LABELS[:3]}.values())
    figures = {}
    for name, change in (("colour", None), ("form", equalise_histogram)):
        right = 0
        for start in range(0, len(one_each), 32):
            chosen = one_each[start : start + 32]
            pictures = [Image.fromarray(load_rgb(tile)).resize((224, 224)) for tile in chosen]
            variants = [change(picture) if change else picture for picture in pictures]
            inputs = processor(images=variants, return_tensors="pt")
            inputs = {
                name: inputs[name].to(device()) for name in ("pixel_values", "image_grid_thw")
            }
            tile_logits, _ = heads(inputs["pixel_values"], inputs["image_grid_thw"])
            truth = torch.tensor([LABELS.index(tile.label) for tile in chosen])
            right += int((tile_logits[:, :3].argmax(1).cpu() == truth).sum())
        figures[name] = right / max(1, len(one_each))
    return figures


def train_vision(config: VisionConfig, start: Path, out: Path, *, resume: bool) -> None:
    """Train the tower of the checkpoint `start`; the result is in `out/checkpoint`."""
    find_start_model(start)
    tiles = [tile for folder in config.data for tile in read_tiles(folder)]
    validation = [tile for tile in tiles if tile.split == "validation"]
    processor = Qwen2VLImageProcessorPil.from_pretrained(start)
    source = TileSource([tile for tile in tiles if tile.split == "train"], config, processor)
    begin_run(out, "vision", config, start, resume=resume)
    torch.manual_seed(config.loop.seed)
    network = load_network(start)
    width = int(network.model.visual.config.out_hidden_size)
    heads = Heads(network.model.visual, width).to(device())
    loop = TrainingLoop(heads, config.loop, out)
    if resume:
        loop.resume()
    loop.run(
        source.batch,
        lambda batch: compute_loss(heads, config, batch.to(device())),
        lambda: evaluate(heads, validation, processor),
    )
    with loop.use_averaged_weights():
        copy_with_weights(network, start, out / "checkpoint")
