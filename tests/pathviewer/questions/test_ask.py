from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.attention import NEUTRAL_QUESTION, NEUTRAL_TOKENS
from models.engines.scripted.engine import ScriptedEngine
from models.errors import ModelError, OutOfMemoryError
from models.messages import (
    AttentionRows,
    Box,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    Prompt,
    Sampling,
    Token,
)
from models.pictures import as_prompt_image
from models.placement import cell_at
from pathviewer.questions.ask import CompletionResult, NeutralQuestionProgress, ask, cancel
from tests.models.red_spot import RedSpot

BOX = Box(1000, 2000, 448, 448)


def prompt(pictures: int = 1) -> Prompt:
    """Grey pictures of 8 x 8 cells, the last with a red spot at level-0 (1196, 2056)."""
    images = [Image.new("RGB", (224, 224), (122, 116, 104)) for _ in range(pictures)]
    ImageDraw.Draw(images[-1]).rectangle((98 - 14, 28, 111, 55), fill=(255, 0, 0))
    return Prompt("Is there red?", tuple(as_prompt_image(image, BOX) for image in images))


def read(backend: RedSpot, asked: Prompt, sampling: Sampling | None = None) -> CompletionResult:
    *_, reading = ask(backend, asked, sampling=sampling)
    assert isinstance(reading, CompletionResult)
    return reading


def test_events_come_first_and_a_reading_last() -> None:
    backend = RedSpot()
    told = list(ask(backend, prompt(), sampling=Sampling(seed=3), priority=7))
    assert isinstance(told[0], GenerationStart)
    assert "".join(event.text for event in told if isinstance(event, Token)) == backend.text
    reading = told[-1]
    assert isinstance(reading, CompletionResult)
    assert reading.trace.answer == "A"
    assert [step.text[:2] for step in reading.trace.steps] == ["1.", "2."]
    asked, neutral = backend.requests
    assert (asked.sampling.seed, asked.priority, asked.attention) == (3, 7, True)
    assert neutral.prompt.text == NEUTRAL_QUESTION
    assert neutral.prompt.images == asked.prompt.images
    assert neutral.sampling.max_new_tokens == NEUTRAL_TOKENS
    assert neutral.request_id != asked.request_id


def test_each_passage_has_its_map_and_the_step_about_the_spot_points_at_it() -> None:
    maps = {found.name: found for found in read(RedSpot(), prompt()).passage_maps}
    assert list(maps) == ["step 1", "step 2", "answer", "all"]
    assert not maps["step 1"].relative[0].is_localised
    (seen,) = maps["step 2"].relative
    assert seen.is_localised
    column, row = cell_at(seen.placement, 1190, 2060) or (-1, -1)
    assert seen.top_cells(1 / 64)[row, column]
    assert seen.image_share == pytest.approx(0.4, abs=1e-5)
    assert maps["step 2"].raw[0].top_cells(1 / 64)[0, 0]  # the sink, which relative maps lose


def test_several_pictures_have_a_map_each() -> None:
    reading = read(RedSpot(), prompt(2))
    (found,) = [maps for maps in reading.passage_maps if maps.name == "step 2"]
    assert [one.image_index for one in found.relative_or_raw] == [0, 1]
    assert [one.is_localised for one in found.relative] == [False, True]


def test_an_answer_cut_short_has_maps_of_what_is_there() -> None:
    reading = read(RedSpot(), prompt(), Sampling(max_new_tokens=4))
    assert reading.completion.finish == "length"
    assert not reading.trace.well_formed
    assert [maps.name for maps in reading.passage_maps] == ["step 1", "all"]


def test_maps_of_any_tokens_and_layers_can_be_asked_for() -> None:
    reading = read(RedSpot(), prompt())
    found = reading.maps(range(1, 2), "word", range(1))
    assert found.raw[0].layers == range(1)
    with pytest.raises(ModelError, match="no attention of tokens"):
        reading.maps(range(900, 901), "word")


def test_no_attention_and_no_pictures_give_no_maps() -> None:
    backend = RedSpot()
    *_, blind = ask(backend, prompt(), attention=False)
    assert isinstance(blind, CompletionResult)
    assert blind.passage_maps == ()
    assert len(backend.requests) == 1  # nothing to compare, so nothing more is asked


class Forgetful(RedSpot):
    """Runs out of memory when it is asked the neutral question."""

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        if request.prompt.text == NEUTRAL_QUESTION:
            raise OutOfMemoryError("The answer needs more memory.")
        yield from super().generate(request)


def test_an_answer_is_not_lost_for_want_of_a_neutral_map() -> None:
    reading = read(Forgetful(), prompt())
    assert reading.trace.answer == "A"
    assert all(not found.relative for found in reading.passage_maps)
    assert not reading.passage_maps[1].relative_or_raw[0].relative


class Closing(RedSpot):
    """Knows which of its iterators ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: list[str] = []

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        try:
            yield from super().generate(request)
        finally:
            self.ended.append(request.request_id)


def test_closing_the_iterator_cancels_at_the_backend() -> None:
    backend = Closing()
    told = ask(backend, prompt(), request_id="x")
    next(told)
    next(told)
    told.close()
    assert backend.ended == ["x"]
    assert len(backend.requests) == 1


def test_closing_the_iterator_cancels_the_neutral_question_too() -> None:
    backend = Closing()
    told = ask(backend, prompt(), request_id="x")
    assert next(
        event for event in told if isinstance(event, NeutralQuestionProgress)
    ) == NeutralQuestionProgress("x")
    assert backend.ended == ["x"]
    told.close()
    assert backend.ended == ["x", "x-neutral"]


def test_a_cancel_stops_whichever_question_is_under_way() -> None:
    backend = ScriptedEngine()
    finishes = {}
    for kind in (Token, NeutralQuestionProgress):
        told = ask(backend, prompt(), request_id="x", sampling=Sampling(max_new_tokens=6))
        next(event for event in told if isinstance(event, kind))
        cancel(backend, "x")
        *rest, reading = told
        assert isinstance(reading, CompletionResult)
        assert reading.neutral is None
        assert len(rest) < 4
        finishes[kind] = reading.completion.finish
    assert finishes == {Token: "cancelled", NeutralQuestionProgress: "length"}


class Twice(RedSpot):
    """Writes two completions."""

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        for event in super().generate(request):
            yield event
            if isinstance(event, AttentionRows):
                rows = event.rows / np.float32(2)
                yield AttentionRows(event.request_id, 1, event.first_token, rows)
            elif isinstance(event, CompletionEnd):
                yield CompletionEnd(event.request_id, 1, event.completion, 0.3, 0.1)


def test_every_completion_has_a_reading_of_its_own() -> None:
    told = list(ask(Twice(), prompt(), count=2))
    first, second = (event for event in told if isinstance(event, CompletionResult))
    assert (first.end.completion_index, second.end.completion_index) == (0, 1)
    assert first.rows is not None
    assert second.rows is not None
    assert np.allclose(first.rows.rows, second.rows.rows * 2)
