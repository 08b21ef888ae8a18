"""The scripted backend behaves as an engine does, and says only what its script says."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from models.engines.base import OcclusionEngine
from models.engines.scripted.attention import LAYERS, split_tokens
from models.engines.scripted.engine import ScriptedEngine
from models.engines.scripted.script import AttendedPassage, Script, ScriptedAnswer, read_script
from models.errors import CheckpointError, PromptError, WorkerError
from models.messages import (
    AttentionRows,
    Box,
    Completion,
    CompletionEnd,
    GenerateRequest,
    GenerationStart,
    ImagePlacement,
    OcclusionRequest,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
    Token,
)
from models.occlusion import list_places

TEXT = "<think>I look at the gland here.</think><answer>A, surely.</answer>"
LOOK = AttendedPassage("the gland", (0.0, 0.0, 0.5, 0.5), share=0.6)
SCRIPT = Script(
    (
        ScriptedAnswer((TEXT, "<think>Else.</think><answer>B</answer>"), "what", (LOOK,)),
        ScriptedAnswer(
            ("second picture",), "which", (AttendedPassage("second", (0.5, 0, 0.5, 1), 1, 0.4),)
        ),
    )
)
BUDGET = PixelBudget(3_136, 12_544)


def picture(size: tuple[int, int] = (112, 112), seed: int | None = 0) -> PromptImage:
    """Noise of that many pixels; without a seed all of one grey."""
    array = np.full((size[1], size[0], 3), 128, np.uint8)
    if seed is not None:
        array = np.random.default_rng(seed).integers(0, 256, array.shape, np.uint8)
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return PromptImage(out.getvalue(), Box(1000, 2000, 4.0 * size[0], 4.0 * size[1]))


def ask(text: str = "What is it?", *images: PromptImage, **options: Any) -> GenerateRequest:
    """A request with one picture unless others are given."""
    return GenerateRequest("r", Prompt(text, images or (picture(),)), budget=BUDGET, **options)


def test_an_answer_is_streamed_with_its_attention() -> None:
    events = list(ScriptedEngine(SCRIPT).generate(ask()))
    started, end = events[0], events[-1]
    assert isinstance(started, GenerationStart)
    assert isinstance(end, CompletionEnd)
    (placement,) = started.placements
    assert (placement.columns, placement.rows) == (4, 4)
    assert end.completion.text == TEXT
    assert end.completion.finish == "stop"
    tokens = [event for event in events if isinstance(event, Token)]
    assert tuple(token.token_id for token in tokens) == end.completion.token_ids
    assert "".join(token.text for token in tokens) == TEXT
    blocks = [event for event in events if isinstance(event, AttentionRows)]
    assert [block.first_token for block in blocks] == list(range(0, len(tokens), 8))
    rows = np.concatenate([block.rows for block in blocks])
    assert rows.shape == (len(tokens), LAYERS, 16)
    start = end.completion.token_ends.index(TEXT.index("gland") + len("gland"))
    looking = rows[start, -1].reshape(4, 4)
    assert looking[:2, :2].sum() == pytest.approx(0.6)
    assert looking[2:].sum() == looking[:, 2:].sum() == 0
    assert rows[start, 0] == pytest.approx(0.6 / 16)
    assert rows[0].sum(axis=1) == pytest.approx(0.1)


def test_attending_afterwards_gives_the_same_rows() -> None:
    backend = ScriptedEngine(SCRIPT)
    request = ask("Which one?", picture(), picture((224, 112), 1))
    events = list(backend.generate(request))
    rows = np.concatenate([e.rows for e in events if isinstance(e, AttentionRows)])
    again = backend.attend(request.prompt, Completion("second picture"), budget=BUDGET)
    assert np.array_equal(rows, again.rows.astype(np.float16))
    assert rows.shape[2] > 16
    assert rows[0, -1, :16].sum() == 0  # it looks at the second picture alone
    assert again.rows[0, -1].sum() == pytest.approx(0.4)


def test_the_same_request_and_seed_give_the_same_tokens_and_others_are_drawn() -> None:
    backend = ScriptedEngine(SCRIPT)

    def texts(**sampling: Any) -> list[str]:
        request = ask(count=3, sampling=Sampling(**sampling))
        ends = [event for event in backend.generate(request) if isinstance(event, CompletionEnd)]
        return [end.completion.text for end in sorted(ends, key=lambda e: e.completion_index)]

    assert texts() == [TEXT] * 3
    assert texts(temperature=1.0, seed=5) == texts(temperature=1.0, seed=5)
    assert len(set(texts(temperature=1.0))) == 2


def test_it_is_cut_at_the_most_tokens() -> None:
    sampling = Sampling(max_new_tokens=4)
    *_, end = ScriptedEngine(SCRIPT).generate(ask(sampling=sampling, attention=False))
    assert isinstance(end, CompletionEnd)
    assert end.completion.finish == "length"
    assert TEXT.startswith(end.completion.text)
    assert len(end.completion.token_ids) == 4


def test_a_cancelled_answer_stops_within_a_token() -> None:
    backend = ScriptedEngine(SCRIPT)
    events = backend.generate(ask())
    written = 0
    for event in events:
        if isinstance(event, Token):
            written += 1
        if written == 3 and isinstance(event, Token):
            backend.cancel("r")
            backend.cancel("nobody")
    assert isinstance(event, CompletionEnd)
    assert event.completion.finish == "cancelled"
    assert len(event.completion.token_ids) == written == 3
    assert backend.status().waiting == 0


def test_closing_ends_what_is_under_way() -> None:
    backend = ScriptedEngine(SCRIPT)
    events = backend.generate(ask())
    next(events)
    backend.close()
    with pytest.raises(WorkerError):
        list(events)
    with pytest.raises(WorkerError):
        list(backend.generate(ask()))
    assert backend.status().state == "stopped"


def test_its_own_answer_is_likely_as_far_as_there_is_something_to_see() -> None:
    backend = ScriptedEngine(SCRIPT)

    def probability(image: PromptImage, text: str = TEXT) -> float:
        (scores,) = backend.score([(Prompt("What?", (image,)), Completion(text))], budget=BUDGET)
        assert scores.token_ends[-1] == len(text)
        return math.exp(scores.logprobs[0])

    assert probability(picture()) == pytest.approx(0.9, abs=0.01)
    assert probability(picture(seed=None)) == pytest.approx(0.25)
    assert probability(picture(), "Something else") == pytest.approx(0.25)
    bare = "<think></think><answer>A, surely.</answer>"  # as the deletion check asks
    assert probability(picture(), bare) == pytest.approx(0.9, abs=0.01)
    assert probability(picture(), bare.replace("surely", "not")) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "request_",
    [
        ask("What?", picture((1, 300))),  # narrower than a model takes
        ask("What?", PromptImage(b"no picture", Box(0, 0, 1, 1))),
        ask("why " * 40_000),  # longer than the context
    ],
)
def test_bad_input_gets_a_sentence(request_: GenerateRequest) -> None:
    backend = ScriptedEngine(SCRIPT)
    with pytest.raises(PromptError, match=r"\.$"):
        list(backend.generate(request_))
    assert list(backend.generate(ask()))


@given(st.text())
def test_splitting_loses_nothing(text: str) -> None:
    assert "".join(split_tokens(text)) == text


def test_the_default_script_says_that_it_is_no_model() -> None:
    script = read_script()
    for answer in script.answers:
        for text in answer.texts:
            assert "scripted demonstration; no model has looked at this region" in text
        for look in answer.passages:
            assert look.words in answer.texts[0]
    assert "no model" in ScriptedEngine().status().sentence


@pytest.mark.parametrize(
    "content",
    [
        "no toml",
        "answer = 3",
        "[[answer]]",  # no texts
        '[[answer]]\ntexts = "one"',
        "[[answer]]\ntexts = []",
        '[[answer]]\ntexts = ["a"]\nasked = "("',
        '[[answer]]\ntexts = ["a"]\nunknown = 1',
        '[[answer]]\ntexts = ["a"]\n[[answer.look]]\nwords = "a"',  # looks nowhere
        '[[answer]]\ntexts = ["a"]\n[[answer.look]]\nwords = "a"\narea = [0, 0, 2, 1]',
        '[[answer]]\ntexts = ["a"]\n[[answer.look]]\nwords = "a"\narea = [0, 0, 1]',
        '[[answer]]\ntexts = ["a"]\n[[answer.look]]\nwords = 5\narea = [0, 0, 1, 1]',
        '[[answer]]\ntexts = ["a"]\n[[answer.look]]\nwords = "a"\narea = [0, 0, 1, 1]'
        "\npicture = 0.5",
        "seconds_per_token = 1\nunknown = 2",
        'seconds_per_token = "x"',
        "seconds_per_token = true",
        "seconds_per_token = -1",
        "seconds_per_token = nan",
        "seconds_per_token = 1e300",
        'otherwise = "x"',
    ],
)
def test_a_script_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.toml").write_text(content)
    with pytest.raises(CheckpointError) as found:
        read_script(tmp_path / "bad.toml")
    assert str(tmp_path) not in str(found.value)


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.toml"):
        read_script(tmp_path / "none.toml")


def test_words_lose_most_where_the_script_looks() -> None:
    engine, asked = ScriptedEngine(SCRIPT), ask()
    placement = ImagePlacement(asked.prompt.images[0].box, 112, 112, 4, 4)
    request = OcclusionRequest(
        "e", asked.prompt, Completion(TEXT), list_places(placement), budget=BUDGET
    )
    rows = engine.occlude(request)
    tokens = split_tokens(TEXT)
    gland = range(tokens.index(" the"), tokens.index(" the") + 2)
    losses = rows.cell_map(gland)
    assert losses[:2, :2].min() > 0
    assert np.allclose(losses[2:], 0, atol=1e-6)
    assert losses.sum() == pytest.approx(rows.loss_of_all(gland), rel=1e-4)
    assert rows.loss_of_all(range(1)) == pytest.approx(0, abs=1e-6)
    (quick,) = engine.weigh_attention(request, [gland])
    assert (quick > 0.1).tolist() == (losses > 0.1).tolist()
    assert isinstance(engine, OcclusionEngine)
