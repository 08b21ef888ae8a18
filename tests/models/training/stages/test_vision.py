from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from models.training.data.tile_augmentation import MaskedTile
from models.training.data.tiles import read_tiles
from models.training.stages.vision import (
    LABELS,
    Heads,
    TileSource,
    VisionConfig,
    cell_targets,
    compute_loss,
    evaluate,
    train_vision,
)
from models.training.trainer.run_folder import load_network


def config(tiles: Path, **changes: Any) -> VisionConfig:
    loop = {"steps": 3, "accumulate": 1, "learning_rate": 1e-3, "warmup": 0, "evaluate_every": 2}
    given: dict[str, Any] = {"data": (tiles,), "batch": 4, "loop": loop}
    return VisionConfig(**given | changes)


def source(tiles: Path, mini_checkpoint: Path, **changes: object) -> TileSource:
    processor = Qwen2VLImageProcessorPil.from_pretrained(mini_checkpoint)
    return TileSource(read_tiles(tiles, "train"), config(tiles, **changes), processor)


def test_a_batch_is_drawn_from_its_step_alone(tiles: Path, mini_checkpoint: Path) -> None:
    one, other = (source(tiles, mini_checkpoint) for _ in range(2))
    other.batch(7, 0)
    drawn, again = one.batch(3, 1), other.batch(3, 1)
    assert drawn.pixels.equal(again.pixels)
    assert drawn.cells.equal(again.cells)
    assert not one.batch(3, 0).label.equal(drawn.label) or not one.batch(4, 1).label.equal(
        drawn.label
    )


def test_every_token_has_its_cell(tiles: Path, mini_checkpoint: Path) -> None:
    batch = source(tiles, mini_checkpoint).batch(0, 0)
    _, rows, columns = batch.grid[0].tolist()
    tokens = rows * columns // 4
    assert batch.cells.shape == (4, tokens, 2)
    assert len(batch.pixels) == 4 * rows * columns
    heads = Heads(load_network(mini_checkpoint).model.visual, 64)
    whole, dense = heads(batch.pixels, batch.grid)
    assert whole.shape == (4, len(LABELS) + 1)
    assert dense.shape == batch.cells.shape


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 2), (3, 1)])
def test_a_token_sees_the_cell_that_it_is_told_of(
    mini_checkpoint: Path, row: int, column: int
) -> None:
    """The tower merges 2 x 2 patches row by row, as `cell_targets` counts the cells."""
    nuclear = np.zeros((112, 84), dtype=np.uint8)
    nuclear[row * 28 : row * 28 + 28, column * 28 : column * 28 + 28] = 255
    view = MaskedTile(np.repeat(nuclear[..., None], 3, axis=2), nuclear, np.zeros_like(nuclear))
    place = row * 3 + column
    shares = cell_targets(view, 4, 3)[:, 0]
    assert shares == pytest.approx([float(index == place) for index in range(12)])
    processor = Qwen2VLImageProcessorPil.from_pretrained(mini_checkpoint)
    seen = processor(images=[view.rgb], return_tensors="pt", do_resize=False)
    lit = [block.mean().item() for block in seen["pixel_values"].view(12, -1)]
    assert int(np.argmax(lit)) == place


def test_out_of_focus_and_other_tissue_come_as_often_as_told(
    tiles: Path, mini_checkpoint: Path
) -> None:
    changes = {"blurred_share": 1.0, "other_share": 1.0}
    batch = source(tiles, mini_checkpoint, **changes).batch(0, 0)
    assert batch.blurred.tolist() == [1.0] * 4
    assert batch.label.tolist() == [LABELS.index("other")] * 4
    batch = source(tiles, mini_checkpoint, blurred_share=0.0, other_share=0.0).batch(0, 0)
    assert batch.blurred.tolist() == [0.0] * 4
    assert LABELS.index("other") not in batch.label.tolist()


def test_the_heads_learn(tiles: Path, mini_checkpoint: Path) -> None:
    torch.manual_seed(0)
    made = source(tiles, mini_checkpoint, blurred_share=0.0)
    heads = Heads(load_network(mini_checkpoint).model.visual, 64)
    optimizer = torch.optim.AdamW(heads.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss, figures = compute_loss(heads, config(tiles), made.batch(0, 0))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        assert set(figures) == {"names", "focus", "cells", "right"}
    assert losses[-1] < 0.8 * losses[0]
    processor = Qwen2VLImageProcessorPil.from_pretrained(mini_checkpoint)
    told = evaluate(heads, read_tiles(tiles, "validation"), processor)
    assert set(told) == {"colour", "form"}
    assert all(0 <= share <= 1 for share in told.values())


def test_the_stage_changes_the_tower_alone(
    tmp_path: Path, tiles: Path, mini_checkpoint: Path
) -> None:
    train_vision(config(tiles), mini_checkpoint, tmp_path / "run", resume=False)
    before = load_network(mini_checkpoint).state_dict()
    after = load_network(tmp_path / "run" / "checkpoint").state_dict()
    changed = {name for name, value in after.items() if not value.equal(before[name])}
    assert changed
    assert all(name.startswith("model.visual.") for name in changed)


def test_a_look_that_is_none_is_told(tiles: Path) -> None:
    with pytest.raises(ValidationError, match="there is no equalized; known are least_zoom"):
        config(tiles, look={"equalized": 0.5})
