"""Maps as numbers: what a browser makes of them is what the models' own functions give."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.attention import AttentionMap, attention_map, normalise_map
from models.errors import ModelError
from models.messages import AttentionRows, Box, ImagePlacement
from pathviewer.attention.archive import pack_attention, reduce_attention, unpack_attention
from pathviewer.attention.map_json import CompletionAttention, maps_json, utf16_edges

TEXT = "<think>Step 1: 🔬 open.\nStep 2: dense.</think><answer>B</answer>"
ENDS = (*range(4, len(TEXT), 4), len(TEXT))


@dataclass(frozen=True)
class Case:
    """Attention of a completion and of a neutral question, as a backend would report it."""

    placement: ImagePlacement
    """Of the one picture."""
    rows: AttentionRows
    """Of every token of TEXT."""
    neutral: AttentionRows
    """Of a few tokens."""

    def seen(self, *, compared: bool = True) -> CompletionAttention:
        """After a round through the file."""
        attention = reduce_attention(self.rows, self.neutral if compared else None)
        return CompletionAttention(
            TEXT, ENDS, self.placement, unpack_attention(pack_attention(attention))
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Grids of any form, layers and rows from even to a single cell, some layers blind."""
    columns, rows, layers = (draw(st.integers(1, most)) for most in (7, 5, 4))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sharpness = draw(st.sampled_from([0.0, 1.0, 8.0, 60.0]))
    place = ImagePlacement(Box(10, 20, 300, 200), columns * 28, rows * 28, columns, rows)

    def looks(tokens: int) -> AttentionRows:
        drawn = np.exp(sharpness * chance.random((tokens, layers, columns * rows)))
        shares = chance.random((tokens, layers, 1)) * draw(st.sampled_from([0.0, 1e-3, 1.0]))
        made = drawn / drawn.sum(axis=-1, keepdims=True) * shares
        made[:, : draw(st.integers(0, 1))] = 0  # a layer that never looks
        return AttentionRows("r", 0, 0, made.astype(np.float32))

    return Case(place, looks(len(ENDS)), looks(3))


def decoded(values: str, peaks: Any, told: dict[str, Any]) -> NDArray[np.float64]:
    """(..., rows, columns): attention of each cell, as docs/api.md says."""
    peaks = np.array(peaks)
    bytes_ = np.frombuffer(base64.b64decode(values), np.uint8)
    shape = (*peaks.shape, told["rows"], told["columns"])
    maps: NDArray[np.float64] = bytes_.reshape(shape) * peaks[..., None, None] / 255
    return maps


def shares(maps: NDArray[np.float64], layers: list[int]) -> NDArray[np.float64]:
    """(rows, columns): the mean of some layers, summing to 1."""
    mean = maps[layers].mean(axis=0)
    return mean / mean.sum() if mean.sum() > 0 else np.full_like(mean, 1 / mean.size)


def relative(told: dict[str, Any], passage: int, layers: list[int]) -> NDArray[np.float64]:
    """The browser's formula, word for word as in docs/api.md."""
    raw = shares(decoded(told["values"], told["peaks"], told)[passage], layers)
    neutral = told["neutral"]
    compared = shares(decoded(neutral["values"], neutral["peaks"], told), layers)
    floor = told["floor"] / raw.size
    ratio = (raw + floor) / (compared + floor)
    share: NDArray[np.float64] = ratio / ratio.sum()
    return share


def of_models(told: dict[str, Any], passage: int, layers: list[int]) -> AttentionMap:
    """The same numbers through models.attention."""
    place = ImagePlacement(Box(0, 0, 1, 1), 28, 28, told["columns"], told["rows"])
    raw = decoded(told["values"], told["peaks"], told)[passage]
    neutral = decoded(told["neutral"]["values"], told["neutral"]["peaks"], told)
    made = [
        attention_map(as_rows(one), (place,), 0, range(1), as_range(layers))
        for one in (raw, neutral)
    ]
    return normalise_map(*made)


def as_rows(maps: NDArray[np.float64]) -> AttentionRows:
    """Maps of layers as the attention of one token."""
    flat = maps.reshape(1, len(maps), -1).astype(np.float32)
    return AttentionRows("", 0, 0, flat)


def as_range(layers: list[int]) -> range:
    """Neighbouring layers as a range."""
    return range(layers[0], layers[-1] + 1)


@given(cases(), st.data())
@settings(max_examples=60, deadline=None)
def test_the_browsers_formula_is_that_of_the_models(case: Case, data: st.DataObject) -> None:
    told = maps_json(case.seen())
    passage = data.draw(st.integers(0, len(told["passages"]) - 1))
    first = data.draw(st.integers(0, told["layers"] - 1))
    layers = list(range(first, data.draw(st.integers(first, told["layers"] - 1)) + 1))
    found = relative(told, passage, layers)
    assert found == pytest.approx(of_models(told, passage, layers).weights, abs=1e-6)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_bytes_and_halves_lose_less_than_can_be_seen(case: Case) -> None:
    told = maps_json(case.seen())
    every = list(range(told["layers"]))
    for number, passage in enumerate(told["passages"]):
        tokens = range(passage["first"], passage["stop"])
        raw = attention_map(case.rows, (case.placement,), 0, tokens)
        exact = decoded(told["values"], told["peaks"], told)[number].mean(axis=0)
        peak = np.array(told["peaks"][number]).mean()
        assert exact == pytest.approx(raw.weights * raw.image_share, abs=peak / 400 + 1e-7)
        assert passage["image_share"] == pytest.approx(raw.image_share, abs=2e-3)
        assert relative(told, number, every).sum() == pytest.approx(1)


def test_passages_are_in_order_and_their_spans_count_as_javascript_does() -> None:
    case = even_case()
    told = maps_json(case.seen())
    assert [one["name"] for one in told["passages"]] == ["step 1", "step 2", "answer", "all"]
    units = TEXT.encode("utf-16-le")
    first = told["passages"][0]
    assert "🔬 open" in units[2 * first["start"] : 2 * first["end"]].decode("utf-16-le")
    assert told["tokens"][-1]["end"] == len(units) // 2
    assert len(told["tokens"]) == len(ENDS)
    assert told["box"] == {"x": 10, "y": 20, "width": 300, "height": 200}


def test_words_on_demand_are_one_passage_of_those_tokens() -> None:
    case = even_case()
    told = maps_json(case.seen(), range(2, 4))
    (words,) = told["passages"]
    assert (words["name"], words["first"], words["stop"]) == ("tokens", 2, 4)
    cells = told["rows"] * told["columns"]
    assert len(base64.b64decode(told["values"])) == told["layers"] * cells


@pytest.mark.parametrize("tokens", [range(0), range(3, 3), range(5, 900), range(4, 2)])
def test_tokens_that_are_not_there_are_refused(tokens: range) -> None:
    with pytest.raises(ModelError, match="no attention of tokens"):
        maps_json(even_case().seen(), tokens)


def test_without_a_neutral_question_there_is_nothing_relative() -> None:
    told = maps_json(even_case().seen(compared=False))
    assert told["neutral"] is None
    assert told["passages"][0]["relative_localised"] is None


def test_a_file_that_is_none_of_ours_is_refused() -> None:
    for archive in (
        b"",
        b"PK\x03\x04",
        pack_attention(reduce_attention(even_case().rows, None))[:-40],
    ):
        with pytest.raises(ModelError, match="damaged"):
            unpack_attention(archive)


def test_a_character_of_several_tokens_has_edges_that_do_not_move() -> None:
    assert utf16_edges("a🔬", (1, 1, 2)) == [0, 1, 1, 3]
    assert utf16_edges("", ()) == [0]


def even_case() -> Case:
    """Two layers that look evenly over 3 x 2 cells."""
    place = ImagePlacement(Box(10, 20, 300, 200), 84, 56, 3, 2)
    rows = AttentionRows("r", 0, 0, np.full((len(ENDS), 2, 6), 0.05, np.float32))
    return Case(place, rows, rows)
