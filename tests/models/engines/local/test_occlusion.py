"""Occlusion of visual tokens: exact, whatever the batch, and stopped on request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import models.engines.local.occlusion as local_occlusion
from models.engines.base import OcclusionEngine
from models.engines.local import prompt_cache
from models.engines.local.engine import LocalEngine
from models.errors import CancelledError, PromptError
from models.messages import Box, Completion, ImagePlacement, OcclusionRequest, Prompt
from models.occlusion import list_places
from tests.models.engines.local_asking import BUDGET, PROMPT

GRIDS = ((3, 4), (2, 2))
"""Rows and columns of the cells of PROMPT's two pictures."""
COMPLETION = Completion("Glands with a smooth edge.")


def places(image: int = 0, *sides: int) -> Any:
    """Squares of cells of one picture."""
    rows, columns = GRIDS[image]
    placement = ImagePlacement(Box(0, 0, 1, 1), 28 * columns, 28 * rows, columns, rows)
    return list_places(placement, sides or (1,))


def request(image: int = 0, **given: Any) -> OcclusionRequest:
    values = {"places": places(image), "image_index": image, "budget": BUDGET} | given
    return OcclusionRequest("evidence", PROMPT, COMPLETION, **values)


@pytest.mark.parametrize("image", [0, 1])
def test_a_place_is_occluded_by_the_mean_token_of_its_picture(
    backend: LocalEngine, image: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backend.occlude(request(image))
    plain = prompt_cache.embed_pictures
    first = 0 if image == 0 else GRIDS[0][0] * GRIDS[0][1]
    count = GRIDS[image][0] * GRIDS[image][1]
    occluded: list[int] = []

    def embed(*arguments: Any) -> Any:
        tokens = plain(*arguments)
        cells = [first + cell for cell in occluded]
        tokens[cells] = tokens[first : first + count].mean(0)
        return tokens

    monkeypatch.setattr(prompt_cache, "embed_pictures", embed)
    for cells, row in [
        ([], found.baseline),
        (list(range(count)), found.averaged),
        *(([cell], found.occluded[cell]) for cell in range(count)),
    ]:
        occluded[:] = cells
        backend._loaded.cache.prefixes.clear()
        (scores,) = backend.score([(PROMPT, COMPLETION)], budget=BUDGET)
        np.testing.assert_allclose(row, scores.logprobs, atol=5e-5)


def test_batches_and_order_change_nothing(
    backend: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = places(0, 1, 2)
    together = backend.occlude(request(places=asked))
    again = backend.occlude(request(places=asked))
    assert np.array_equal(together.occluded, again.occluded)
    monkeypatch.setattr(local_occlusion, "BATCH_PLACES", 1)
    alone = backend.occlude(request(places=asked[::-1]))
    np.testing.assert_allclose(alone.occluded[::-1], together.occluded, atol=2e-5)


def test_what_cannot_be_occluded_is_refused(backend: LocalEngine) -> None:
    empty = places().copy()
    empty[3] = False
    for refused, sentence in [
        (request(places=places(1)), "do not fit a picture of 3 by 4 cells"),
        (request(places=places()[:0]), "has no cell"),
        (request(places=empty), "has no cell"),
        (request(image_index=2), "no picture 2"),
        (replace(request(), prompt=Prompt("What is it?")), "no picture 0"),
        (replace(request(), completion=Completion("")), "no words"),
    ]:
        with pytest.raises(PromptError, match=sentence):
            backend.occlude(refused)


def test_it_stops_between_batches(backend: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_occlusion, "BATCH_PLACES", 1)
    plain, calls = local_occlusion._read_places, 0

    def slow(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            backend.cancel("evidence")
        return plain(*arguments)

    monkeypatch.setattr(local_occlusion, "_read_places", slow)
    with pytest.raises(CancelledError):
        backend.occlude(request())
    assert calls == 3


def test_the_engine_says_that_it_can(backend: LocalEngine) -> None:
    assert isinstance(backend, OcclusionEngine)
