"""The cache of prompts saves reading, and changes no number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from models.attention import NEUTRAL_QUESTION
from models.engines.local.engine import LocalEngine
from models.engines.local.prompt_cache import PromptCache, embed_pictures
from models.engines.local.replay import read_prompts
from models.errors import OutOfMemoryError
from models.messages import (
    Completion,
    CompletionEnd,
    GenerateRequest,
    ImagePlacement,
    OcclusionRequest,
    Prompt,
    Sampling,
)
from models.occlusion import list_places
from models.processing import PreparedPrompt, pad_prompts, prepare_prompt
from tests.models.engines.local_asking import BUDGET, OTHER, PROMPT, ask, of_kind, rows_of
from tests.models.prompt_pictures import prompt_image

NEUTRAL = replace(PROMPT, text=NEUTRAL_QUESTION)
COMPLETION = Completion("Glands with a smooth edge.")


@dataclass
class ReadingCount:
    """What the parts of a network have read."""

    pictures: int = 0
    """Pictures through the tower."""
    tokens: int = 0
    """Tokens through the language layers, of all rows of a batch."""


@contextmanager
def count_reading(backend: LocalEngine) -> Iterator[ReadingCount]:
    """Count within the block; starts with nothing kept."""
    model, count = backend._loaded.network.model, ReadingCount()
    backend._loaded.cache.clear()

    def see(_: object, __: object, options: dict[str, Any]) -> None:
        count.pictures += len(options["grid_thw"])

    def read(_: object, __: object, options: dict[str, Any]) -> None:
        given = options.get("inputs_embeds")
        given = options["input_ids"] if given is None else given
        count.tokens += given.shape[0] * given.shape[1]

    hooks = [
        model.visual.register_forward_pre_hook(see, with_kwargs=True),
        model.language_model.register_forward_pre_hook(read, with_kwargs=True),
    ]
    try:
        yield count
    finally:
        for hook in hooks:
            hook.remove()


def prepare(backend: LocalEngine, prompt: Prompt) -> PreparedPrompt:
    return prepare_prompt(backend._loaded.processor, prompt, BUDGET)


def length_of_text(backend: LocalEngine, prompt: Prompt) -> int:
    """Tokens after the last picture."""
    marks = prepare(backend, prompt).pictures[0]
    return len(marks) - 1 - int(marks.nonzero()[-1])


def occlude(backend: LocalEngine, prompt: Prompt = PROMPT) -> Any:
    placement: ImagePlacement = prepare(backend, prompt).placements[0]
    places = list_places(placement)
    return backend.occlude(OcclusionRequest("o", prompt, COMPLETION, places, budget=BUDGET))


def test_the_tower_reads_a_picture_once(backend: LocalEngine) -> None:
    with count_reading(backend) as count:
        ask(backend)
        ask(backend, NEUTRAL)
        ask(backend, replace(PROMPT, system="Answer briefly."))  # shares no prefix
        ask(backend, Prompt("What is it?", PROMPT.images[1:] + OTHER.images))
        backend.score([(PROMPT, COMPLETION), (OTHER, COMPLETION)])
        backend.attend(PROMPT, COMPLETION)
        occlude(backend)
    assert count.pictures == 3


@pytest.mark.parametrize("work", ["generate", "score", "attend", "occlude"])
def test_a_second_question_reads_its_text_alone(backend: LocalEngine, work: str) -> None:
    """One token of the answer, so that the prompt's own tokens are what is counted."""
    answer = Completion("", (300, 301))
    places = list_places(prepare(backend, NEUTRAL).placements[0])[-1:]
    with count_reading(backend) as count:
        ask(backend, max_new_tokens=1)
        assert count.tokens == prepare(backend, PROMPT).tokens
        count.tokens = 0
        if work == "generate":
            ask(backend, NEUTRAL, max_new_tokens=1)
            following = 0
        elif work == "score":
            backend.score([(NEUTRAL, answer)])
            following = 1
        elif work == "attend":
            backend.attend(NEUTRAL, answer)
            following = 1
        else:
            request = OcclusionRequest("o", NEUTRAL, answer, places, budget=BUDGET)
            sequence = prepare(backend, NEUTRAL).tokens + 1
            marks = prepare(backend, NEUTRAL).pictures[0].nonzero()[:, 0]
            backend.occlude(request)  # once with all cells of the picture averaged, once the last
            following = 1 + sequence - int(marks[0]) + sequence - int(marks[11])
    assert count.tokens == length_of_text(backend, NEUTRAL) + following


def test_several_completions_share_one_reading_of_the_prompt(backend: LocalEngine) -> None:
    with count_reading(backend) as count:
        events = ask(backend, count=5, temperature=1.0, max_new_tokens=3)
    ends = [event.completion for event in events if isinstance(event, CompletionEnd)]
    passes = max(len(end.token_ids) for end in ends) - 1
    assert passes == 2
    assert count.tokens == prepare(backend, PROMPT).tokens - 1 + 5 + 5 * passes


def test_numbers_are_the_same_whether_anything_was_kept(backend: LocalEngine) -> None:
    """Bit for bit, so that a question and its seed give the same tokens after any others."""

    def work() -> list[Any]:
        found: list[Any] = []
        drawn: list[dict[str, Any]] = [{}, {"temperature": 1.0, "count": 3}]
        for sampling in drawn:
            events = ask(backend, seed=4, **sampling)
            found += [event.completion for event in events if isinstance(event, CompletionEnd)]
            found.append(rows_of(events))
        found.append(backend.score([(PROMPT, COMPLETION)])[0].logprobs)
        found.append(backend.attend(PROMPT, COMPLETION).rows)
        return [*found, occlude(backend).occluded]

    backend._loaded.cache.clear()
    first, again = work(), work()
    ask(backend, NEUTRAL)
    backend._loaded.cache.prefixes.clear()
    backend.score([(PROMPT, COMPLETION), (OTHER, COMPLETION), (NEUTRAL, COMPLETION)])
    for others in (again, work()):
        for one, other in zip(first, others, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("prompt", [PROMPT, OTHER, Prompt("Hello.")])
def test_logits_are_those_of_one_pass(backend: LocalEngine, prompt: Prompt) -> None:
    loaded, prepared = backend._loaded, prepare(backend, prompt)
    with torch.inference_mode():
        wanted = loaded.network(**prepared.tensors, logits_to_keep=1).logits
        for _ in range(2):
            torch.testing.assert_close(
                read_prompts(loaded, prepared).logits, wanted, atol=1e-5, rtol=0
            )


def test_a_picture_is_the_same_in_any_company(backend: LocalEngine) -> None:
    loaded = backend._loaded
    prompts = [prepare(backend, PROMPT), prepare(backend, OTHER)]
    loaded.cache.clear()
    together = embed_pictures(loaded, pad_prompts(prompts, loaded.pad_id))
    loaded.cache.clear()
    alone = [embed_pictures(loaded, prompt) for prompt in prompts]
    assert torch.equal(together, torch.cat(alone))


def test_what_is_kept_is_bounded_and_the_oldest_goes(backend: LocalEngine) -> None:
    loaded = backend._loaded
    prompts = [Prompt("What is it?", (prompt_image(100, 100, seed=seed),)) for seed in range(4)]
    loaded.cache.clear()
    ask(backend, prompts[0])
    picture, prefix = int(loaded.cache.pictures.currsize), int(loaded.cache.prefixes.currsize)
    assert picture == 16 * 64 * 4  # cells x width x bytes
    bounded = replace(loaded, cache=PromptCache(picture * 5 // 2, prefix * 5 // 2))
    backend._loaded = bounded
    try:
        with count_reading(backend) as count:
            for prompt in (*prompts, *prompts[:1:-1]):
                ask(backend, prompt)
        assert count.pictures == 4
        assert len(bounded.cache.pictures) == len(bounded.cache.prefixes) == 2
        backend._loaded = replace(loaded, cache=PromptCache(picture - 1, prefix - 1))
        assert of_kind(ask(backend, prompts[0]), CompletionEnd)  # too large to be kept
        assert not backend._loaded.cache.pictures
        assert not backend._loaded.cache.prefixes
    finally:
        backend._loaded = loaded


def test_what_is_kept_goes_when_memory_runs_out(backend: LocalEngine) -> None:
    ask(backend)
    assert backend._loaded.cache.prefixes
    huge = Prompt("a" * 2_000, PROMPT.images)

    def fill(*_: object) -> None:
        raise MemoryError

    hook = backend._loaded.network.lm_head.register_forward_pre_hook(fill)
    try:
        with pytest.raises(OutOfMemoryError):
            list(backend.generate(GenerateRequest("a", huge, Sampling(max_new_tokens=1))))
    finally:
        hook.remove()
    assert not backend._loaded.cache.pictures
    assert not backend._loaded.cache.prefixes
