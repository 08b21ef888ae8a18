"""Where attention is taught to look, against masks that can be counted and eager attention."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.capture import capture_into, install_capture
from models.processing import load_processor
from models.training.data.items import TrainingItem, make_items, render_item
from models.training.data.tiles import QUADRANTS, read_tiles
from models.training.specimen.attention_supervision import (
    PictureAttention,
    cell_targets,
    evidence_mask,
    find_evidence_spans,
    pointing_loss,
    quadrant_mask,
)
from models.training.specimen.picture_sampler import ItemMix
from models.training.stages.finetuning import compute_loss
from models.training.trainer.encoding import Encoder, collate
from models.training.trainer.run_folder import load_network
from tests.models.training.made_tiles import made_rgb


@pytest.fixture(scope="module")
def encoder(mini_checkpoint: Path) -> Encoder:
    return Encoder(load_processor(mini_checkpoint))


@pytest.fixture(scope="module")
def items(tiles: Path) -> list[TrainingItem]:
    mix = ItemMix(types={"quadrant": 1.0}, blurred=0, empty=0)
    return list(make_items(read_tiles(tiles), "train", count=4, seed=2, mix=mix))


def test_quadrants_are_quarters() -> None:
    masks = [quadrant_mask(name, (6, 8)) for name in QUADRANTS]
    assert np.array_equal(sum(mask.astype(int) for mask in masks), np.ones((6, 8)))
    assert masks[1][:3, 4:].all()


def test_evidence_is_what_the_claim_speaks_of() -> None:
    rgb = made_rgb(200, 0.3, seed=1)  # open space on the left
    space = evidence_mask("Open space", "moderate", rgb)
    nuclei = evidence_mask("Cellularity", "high", rgb)
    assert space[:, :60].mean() > 0.9 > 0.1 > space[:, 80:].mean()
    assert not (space & nuclei).any()
    corner = evidence_mask("Most nuclei", "lower right", rgb)
    assert np.array_equal(corner, nuclei & quadrant_mask("lower right", nuclei.shape))


def test_nobody_is_made_to_look_for_what_is_not_there() -> None:
    words = "1. Tissue: present.\n2. Cellularity: high. Open space: low.\n3. Conclusion: high (B)."
    found = find_evidence_spans(words, made_rgb(200, 0.0, seed=1))
    assert [words[each.start : each.stop] for each in found] == ["Cellularity: high"]


def test_targets_are_shares_of_the_cells() -> None:
    mask = np.zeros((56, 56), np.bool_)
    mask[:28, :28] = True
    mask[28:, 28:42] = True
    assert cell_targets(mask, 2, 2).tolist() == pytest.approx([2 / 3, 0, 0, 1 / 3])


@pytest.mark.long
def test_the_queries_that_are_pointed_write_the_claim(
    encoder: Encoder, items: list[TrainingItem]
) -> None:
    made = [
        (item, encoder.encode_trace(item, Image.fromarray(render_item(item)), render_item(item)))
        for item in items
    ]
    found = [(item, each, each.points) for item, each in made if each.points is not None]
    assert len(found) >= 2  # of the others too little is nuclei
    for item, encoded, points in found:
        assert encoded.aims is not None
        said = encoder.tokenizer.decode(encoded.labels[points + 1]).strip()
        assert said == f"Most nuclei: {item.facts.nominal('most nuclei')}"
        assert encoded.aims.sum(1).numpy() == pytest.approx(1)
        pictures = int((encoded.tensors["mm_token_type_ids"] == 1).sum())
        assert encoded.aims.shape == (len(points), pictures)


def test_what_is_taught_is_the_attention_that_is_read(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    """The rows are eager attention's over the pictures, heads and layers averaged, padded too."""
    shown = [
        Image.fromarray(render_item(item)).resize((84 + 28 * i, 84)) for i, item in enumerate(items)
    ]
    made = [
        encoder.encode_trace(item, picture, render_item(item))
        for item, picture in zip(items, shown, strict=True)
    ]
    batch = collate(made)
    points, aims = batch.pop("points"), batch.pop("aims")
    inputs = {name: value for name, value in batch.items() if name not in ("labels", "decided")}
    network = load_network(mini_checkpoint).eval()
    install_capture(network, "sdpa")
    pictures = inputs["mm_token_type_ids"] == 1
    gaze = PictureAttention(points, pictures)
    with torch.no_grad(), capture_into(gaze):
        network(**inputs)
    network.set_attn_implementation("eager")
    with torch.no_grad():
        layers = network(**inputs, output_attentions=True).attentions
    eager = torch.stack(list(layers)).mean((0, 2))  # (batch, queries, keys)
    expected = [eager[one, place][pictures[one]] for one, place in points.tolist()]
    found = [row for rows in gaze.rows() for row in rows]
    assert len(found) == len(aims) == len(expected)
    for row, told in zip(found, expected, strict=True):
        assert torch.allclose(row, told / told.sum(), atol=1e-5)


def test_attention_learns_where_to_look(
    encoder: Encoder, items: list[TrainingItem], mini_checkpoint: Path
) -> None:
    made = [
        encoder.encode_trace(item, Image.fromarray(render_item(item)), render_item(item))
        for item in items
    ]
    batch = collate(made)
    torch.manual_seed(0)
    network = load_network(mini_checkpoint)
    install_capture(network, "sdpa")
    rate = torch.optim.AdamW(network.parameters(), lr=3e-3)
    overlaps = []
    for _ in range(12):
        rate.zero_grad()
        loss, figures = compute_loss(network, batch, 1.0, pointing=1.0)
        loss.backward()  # type: ignore[no-untyped-call]
        rate.step()
        overlaps.append(figures["pointed"])
    assert overlaps[-1] > overlaps[0] + 0.05
    _, plain = compute_loss(network, batch, 1.0)
    assert "pointed" not in plain


def test_the_loss_is_cross_entropy_over_all_points() -> None:
    rows = [torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.25, 0.5]])]
    aims = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    loss, overlap = pointing_loss(rows, aims)
    assert loss.item() == pytest.approx(float(np.log(2)))
    assert overlap == pytest.approx(0.5)
