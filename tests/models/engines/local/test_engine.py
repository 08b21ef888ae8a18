"""The transformers backend: events, attention, scores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.engines.local.engine import LocalEngine
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    Prompt,
    Sampling,
    Token,
)
from models.processing import prepare_prompt
from tests.models.engines.local_asking import BUDGET, OTHER, PROMPT, ask, of_kind, rows_of

HALF: Any = {"atol": 1e-6, "rtol": 5.5e-4}
"""Difference of rows of half precision, one part in 2,048, and of float32 in another order."""


@pytest.fixture(scope="module")
def terse(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LocalEngine, frozenset[int]]]:
    """The same with many tokens that end a completion, and those tokens."""
    folder = tmp_path_factory.mktemp("terse") / "mini"
    shutil.copytree(checkpoint, folder)
    ends = frozenset({0, 2, *range(300, 330)})
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": sorted(ends)}))
    opened = LocalEngine(folder, "terse", device="cpu", budget=BUDGET)
    yield opened, ends
    opened.close()


def test_events_come_in_order_and_tell_the_whole(backend: LocalEngine) -> None:
    events = ask(backend)
    started, end = events[0], events[-1]
    assert isinstance(started, GenerationStart)
    assert isinstance(end, CompletionEnd)
    assert started.model == backend.status().info
    assert [placed.tokens for placed in started.placements] == [12, 4]
    tokens = of_kind(events, Token)
    assert end.completion.token_ids == tuple(token.token_id for token in tokens)
    assert end.completion.text == "".join(token.text for token in tokens)
    assert end.completion.finish == "length"
    assert rows_of(events).shape == (24, 2, 16)
    assert 0 < end.first_token_seconds <= end.seconds


def test_tokens_are_those_of_plain_generate(backend: LocalEngine, checkpoint: Path) -> None:
    from transformers import Qwen2_5_VLForConditionalGeneration

    from models.processing import load_processor

    # Any, because its class does not fit the protocol that its own `generate` asks for
    network: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(checkpoint)
    inputs = prepare_prompt(load_processor(checkpoint), PROMPT, BUDGET)
    plain = network.generate(**inputs.tensors, max_new_tokens=24, do_sample=False)
    end = ask(backend)[-1]
    assert isinstance(end, CompletionEnd)
    assert end.completion.token_ids == tuple(plain[0, inputs.tokens :].tolist())


def test_attend_gives_what_capture_gave(backend: LocalEngine) -> None:
    events = ask(backend, temperature=1.0, seed=5)
    end = events[-1]
    assert isinstance(end, CompletionEnd)
    replayed = backend.attend(PROMPT, end.completion)
    np.testing.assert_allclose(rows_of(events), replayed.rows, **HALF)
    assert rows_of(events).dtype == np.float16
    assert replayed.rows.dtype == np.float32


def test_several_completions_are_written_together(
    terse: tuple[LocalEngine, frozenset[int]],
) -> None:
    backend, end_ids = terse
    events = ask(backend, count=40, max_new_tokens=20, temperature=2.0, seed=3)
    ends = {
        event.completion_index: event.completion
        for event in events
        if isinstance(event, CompletionEnd)
    }
    assert sorted(ends) == list(range(40))
    assert len({done.token_ids for done in ends.values()}) > 30
    by_finish = {done.finish: index for index, done in ends.items()}
    assert set(by_finish) == {"stop", "length"}
    for index in by_finish.values():
        tokens = of_kind(events, Token, index)
        assert ends[index].token_ids == tuple(token.token_id for token in tokens)
        assert not end_ids & set(ends[index].token_ids)
        rows = rows_of(events, index)
        np.testing.assert_allclose(rows, backend.attend(PROMPT, ends[index]).rows, **HALF)


def test_the_same_seed_gives_the_same_tokens(backend: LocalEngine) -> None:
    drawn = [of_kind(ask(backend, temperature=1.0, seed=seed), Token) for seed in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_without_sampling_completions_are_the_same(backend: LocalEngine) -> None:
    events = ask(backend, count=3)
    for index in range(3):
        assert (
            of_kind(events, CompletionEnd, index)[0].completion
            == of_kind(events, CompletionEnd)[0].completion
        )
        np.testing.assert_array_equal(rows_of(events, index), rows_of(events))


def test_attention_can_be_left_off(backend: LocalEngine) -> None:
    request = GenerateRequest("a", PROMPT, Sampling(max_new_tokens=3), attention=False)
    assert not of_kind(list(backend.generate(request)), AttentionRows)


def test_a_prompt_without_pictures_has_rows_without_columns(backend: LocalEngine) -> None:
    events = ask(backend, Prompt("Hello."), max_new_tokens=5)
    assert rows_of(events).shape == (5, 2, 0)


def test_repetition_is_penalised_among_what_was_written(backend: LocalEngine) -> None:
    free = of_kind(ask(backend), CompletionEnd)[0].completion.token_ids
    punished = of_kind(ask(backend, repetition_penalty=2.0), CompletionEnd)[0].completion.token_ids
    favoured = of_kind(ask(backend, repetition_penalty=0.3), CompletionEnd)[0].completion.token_ids
    assert punished[0] == favoured[0] == free[0]  # the prompt's own tokens are not held against it
    assert len(set(punished)) > len(set(favoured))


def weigh(backend: LocalEngine, prompt: Prompt, completion: Completion) -> NDArray[np.float32]:
    """The same by one plain pass over prompt and completion."""
    loaded = backend._loaded
    prepared = prepare_prompt(loaded.processor, prompt, BUDGET)
    written = torch.tensor([completion.token_ids])
    tensors = dict(prepared.tensors)
    tensors["input_ids"] = torch.cat([tensors["input_ids"], written], 1)
    tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
    tensors["mm_token_type_ids"] = torch.cat(
        [tensors["mm_token_type_ids"], torch.zeros_like(written)], 1
    )
    with torch.inference_mode():
        logits = loaded.network(**tensors).logits[0, prepared.tokens - 1 : -1]
    scores: NDArray[np.float32]
    scores = logits.log_softmax(-1).gather(1, written[0][:, None])[:, 0].numpy()
    return scores


def test_scores_are_the_log_probabilities_of_the_tokens(backend: LocalEngine) -> None:
    written = [
        Completion("", (300, 301, 302, 303)),
        Completion("", (17,)),
        Completion("", tuple(range(200, 230))),
    ]
    asked = [(prompt, done) for prompt in (PROMPT, OTHER) for done in written]
    asked.append((Prompt("Hello."), written[0]))
    for (prompt, done), scores in zip(asked, backend.score(asked), strict=True):
        assert scores.token_ids == done.token_ids
        np.testing.assert_allclose(scores.logprobs, weigh(backend, prompt, done), atol=1e-4)


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": 0.0, "repetition_penalty": 2.0},
        {"temperature": 2.0, "top_p": 0.9, "top_k": 50, "repetition_penalty": 1.5, "seed": 3},
    ],
)
def test_a_completion_brings_the_scores_of_its_tokens(
    terse: tuple[LocalEngine, frozenset[int]], sampling: dict[str, Any]
) -> None:
    """Whatever the sampling; some completions end before the others."""
    backend, _ = terse
    events = ask(backend, count=6, **sampling)
    done = [event.completion for event in events if isinstance(event, CompletionEnd)]
    assert len(done) == 6
    scores = backend.score([(PROMPT, each) for each in done])
    for each, weighed in zip(done, scores, strict=True):
        assert each.token_logprobs is not None
        assert len(each.token_logprobs) == len(each.token_ids)
        np.testing.assert_allclose(each.token_logprobs, weighed.logprobs, atol=1e-4)


def test_a_text_is_weighed_by_its_tokens(backend: LocalEngine) -> None:
    text = "<answer>A</answer> <|im_end|>"
    scores = backend.score([(OTHER, Completion(text)), (OTHER, Completion(""))])
    assert scores[0].token_ends[-1] == len(text)  # a forged end of turn stays text
    assert len(scores[0].logprobs) == len(scores[0].token_ids)
    assert scores[1].logprobs.shape == (0,)
    assert backend.attend(OTHER, Completion("")).rows.shape == (0, 2, 12)


def kinds(events: list[Event]) -> list[type]:
    """What was told, attention aside."""
    return [type(event) for event in events if not isinstance(event, AttentionRows)]


def test_events_are_told_as_they_are_read(backend: LocalEngine) -> None:
    told: list[Event] = []
    backend.answer(GenerateRequest("a", PROMPT, Sampling(max_new_tokens=24)), told.append)
    read = ask(backend)
    # rows are told in pieces, as time goes by
    assert kinds(told) == kinds(read)
    assert of_kind(told, Token) == of_kind(read, Token)
    np.testing.assert_array_equal(rows_of(told), rows_of(read))
