"""The transformers backend: events, attention, scores, cancelling, and what it refuses."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TypeVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file

from models.backends.base import Backend
from models.backends.local import LocalBackend
from models.backends.local_memory import memory_errors
from models.errors import OutOfMemoryError, PromptError, WorkerError
from models.messages import (
    AttentionRows,
    Box,
    Completion,
    End,
    Event,
    GenerateRequest,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
    Started,
    Token,
)
from models.processing import prepare
from tests.models.prompt_pictures import png, prompt_image

PROMPT = Prompt("What is it?", (prompt_image(120, 90), prompt_image(60, 60, seed=1)))
OTHER = Prompt("Is there a tumour? Say yes or no.", (prompt_image(90, 120, seed=2),))
HUGE = Prompt("What is it?", (PromptImage(png(Image.new("L", (2400, 2400))), Box(0, 0, 1, 1)),))
BUDGET = PixelBudget(56 * 56, 112 * 112)


T = TypeVar("T")


@pytest.fixture(scope="module")
def checkpoint(mini_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini checkpoint with larger weights, so that it does not repeat one token for ever.

    Its ends of turn have no weight, so that its likeliest tokens are never those.
    """
    folder = tmp_path_factory.mktemp("restless") / "mini"
    shutil.copytree(mini_checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    grown = {
        name: tensor * 8 if "proj" in name and "visual" not in name else tensor
        for name, tensor in weights.items()
    }
    grown["model.embed_tokens.weight"][[0, 2]] = 0
    save_file(grown, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def terse(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LocalBackend, frozenset[int]]]:
    """The same with many tokens that end a completion, and those tokens."""
    folder = tmp_path_factory.mktemp("terse") / "mini"
    shutil.copytree(checkpoint, folder)
    ends = frozenset({0, 2, *range(300, 330)})
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": sorted(ends)}))
    opened = LocalBackend(folder, "terse", device="cpu", budget=BUDGET)
    yield opened, ends
    opened.close()


@pytest.fixture(scope="module")
def backend(checkpoint: Path) -> Iterator[LocalBackend]:
    opened = LocalBackend(checkpoint, "mini", device="cpu", budget=BUDGET)
    yield opened
    opened.close()


def ask(
    backend: Backend, prompt: Prompt = PROMPT, *, count: int = 1, **sampling: float
) -> list[Event]:
    drawn = Sampling(**{"max_new_tokens": 24, **sampling})
    return list(backend.generate(GenerateRequest("a", prompt, drawn, count=count)))


def of_kind(events: list[Event], kind: type[T], index: int = 0) -> list[T]:
    found = [event for event in events if isinstance(event, kind)]
    return [event for event in found if getattr(event, "completion_index", 0) == index]


def rows_of(events: list[Event], index: int = 0) -> NDArray[np.float32]:
    parts = of_kind(events, AttentionRows, index)
    starts = [part.first_token for part in parts]
    assert starts == list(np.cumsum([0, *[len(part.rows) for part in parts]])[:-1])
    return np.concatenate([part.rows for part in parts])


def test_events_come_in_order_and_tell_the_whole(backend: LocalBackend) -> None:
    events = ask(backend)
    started, end = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(end, End)
    assert started.model == backend.status().info
    assert [placed.tokens for placed in started.placements] == [12, 4]
    tokens = of_kind(events, Token)
    assert end.completion.token_ids == tuple(token.token_id for token in tokens)
    assert end.completion.text == "".join(token.text for token in tokens)
    assert end.completion.finish == "length"
    assert rows_of(events).shape == (24, 2, 16)
    assert 0 < end.first_token_seconds <= end.seconds


def test_tokens_are_those_of_plain_generate(backend: LocalBackend, checkpoint: Path) -> None:
    from transformers import Qwen2_5_VLForConditionalGeneration

    from models.processing import load_processor

    network = Qwen2_5_VLForConditionalGeneration.from_pretrained(checkpoint)
    inputs = prepare(load_processor(checkpoint), PROMPT, BUDGET)
    plain = network.generate(**inputs.tensors, max_new_tokens=24, do_sample=False)
    end = ask(backend)[-1]
    assert isinstance(end, End)
    assert end.completion.token_ids == tuple(plain[0, inputs.tokens :].tolist())


def test_attend_gives_what_capture_gave(backend: LocalBackend) -> None:
    events = ask(backend, temperature=1.0, seed=5)
    end = events[-1]
    assert isinstance(end, End)
    replayed = backend.attend(PROMPT, end.completion)
    np.testing.assert_allclose(replayed.rows, rows_of(events), atol=1e-5, rtol=0)


def test_several_completions_are_written_together(
    terse: tuple[LocalBackend, frozenset[int]],
) -> None:
    backend, end_ids = terse
    events = ask(backend, count=40, max_new_tokens=20, temperature=2.0, seed=3)
    ends = {event.completion_index: event.completion for event in events if isinstance(event, End)}
    assert sorted(ends) == list(range(40))
    assert len({done.token_ids for done in ends.values()}) > 30
    by_finish = {done.finish: index for index, done in ends.items()}
    assert set(by_finish) == {"stop", "length"}
    for index in by_finish.values():
        tokens = of_kind(events, Token, index)
        assert ends[index].token_ids == tuple(token.token_id for token in tokens)
        assert not end_ids & set(ends[index].token_ids)
        rows = rows_of(events, index)
        np.testing.assert_allclose(
            rows, backend.attend(PROMPT, ends[index]).rows, atol=1e-5, rtol=0
        )


def test_the_same_seed_gives_the_same_tokens(backend: LocalBackend) -> None:
    drawn = [of_kind(ask(backend, temperature=1.0, seed=seed), Token) for seed in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_without_sampling_completions_are_the_same(backend: LocalBackend) -> None:
    events = ask(backend, count=3)
    for index in range(3):
        assert of_kind(events, End, index)[0].completion == of_kind(events, End)[0].completion
        np.testing.assert_array_equal(rows_of(events, index), rows_of(events))


def test_attention_can_be_left_off(backend: LocalBackend) -> None:
    request = GenerateRequest("a", PROMPT, Sampling(max_new_tokens=3), attention=False)
    assert not of_kind(list(backend.generate(request)), AttentionRows)


def test_a_prompt_without_pictures_has_rows_without_columns(backend: LocalBackend) -> None:
    events = ask(backend, Prompt("Hello."), max_new_tokens=5)
    assert rows_of(events).shape == (5, 2, 0)


def test_repetition_is_penalised_among_what_was_written(backend: LocalBackend) -> None:
    free = of_kind(ask(backend), End)[0].completion.token_ids
    punished = of_kind(ask(backend, repetition_penalty=2.0), End)[0].completion.token_ids
    favoured = of_kind(ask(backend, repetition_penalty=0.3), End)[0].completion.token_ids
    assert punished[0] == favoured[0] == free[0]  # the prompt's own tokens are not held against it
    assert len(set(punished)) > len(set(favoured))


def weigh(backend: LocalBackend, prompt: Prompt, completion: Completion) -> NDArray[np.float32]:
    """The same by one plain pass over prompt and completion."""
    loaded = backend._loaded
    prepared = prepare(loaded.processor, prompt, BUDGET)
    written = torch.tensor([completion.token_ids])
    tensors = dict(prepared.tensors)
    tensors["input_ids"] = torch.cat([tensors["input_ids"], written], 1)
    tensors["attention_mask"] = torch.ones_like(tensors["input_ids"])
    tensors["mm_token_type_ids"] = torch.cat(
        [tensors["mm_token_type_ids"], torch.zeros_like(written)], 1
    )
    with torch.inference_mode():
        logits = loaded.network(**tensors).logits[0, prepared.tokens - 1 : -1]
    return logits.log_softmax(-1).gather(1, written[0][:, None])[:, 0].numpy()


def test_scores_are_the_log_probabilities_of_the_tokens(backend: LocalBackend) -> None:
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


def test_a_text_is_weighed_by_its_tokens(backend: LocalBackend) -> None:
    text = "<answer>A</answer> <|im_end|>"
    scores = backend.score([(OTHER, Completion(text)), (OTHER, Completion(""))])
    assert scores[0].token_ends[-1] == len(text)  # a forged end of turn stays text
    assert len(scores[0].logprobs) == len(scores[0].token_ids)
    assert scores[1].logprobs.shape == (0,)
    assert backend.attend(OTHER, Completion("")).rows.shape == (0, 2, 12)


def test_cancel_stops_within_a_token(backend: LocalBackend) -> None:
    request = GenerateRequest("a", PROMPT, Sampling(max_new_tokens=2000))
    seen: list[Event] = []
    for event in backend.generate(request):
        seen.append(event)
        if len(of_kind(seen, Token)) == 3:
            backend.cancel("a")
    done = of_kind(seen, End)[0].completion
    assert done.finish == "cancelled"
    assert len(done.token_ids) < 100  # tokens that were under way while this thread was busy
    assert len(rows_of(seen)) == len(done.token_ids)


@pytest.mark.parametrize("after", [1, 3, 32])
def test_after_cancel_one_token_more_is_written_at_most(backend: LocalBackend, after: int) -> None:
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if len(of_kind(told, Token)) == after:
            backend.cancel("a")

    backend.answer(GenerateRequest("a", PROMPT, Sampling(max_new_tokens=2000)), tell)
    done = of_kind(told, End)[0].completion
    assert done.finish == "cancelled"
    assert len(done.token_ids) == after + 1
    assert len(rows_of(told)) == after + 1


def test_events_are_told_as_they_are_read(backend: LocalBackend) -> None:
    told: list[Event] = []
    backend.answer(GenerateRequest("a", PROMPT, Sampling(max_new_tokens=24)), told.append)
    read = ask(backend)
    assert [type(event) for event in told] == [type(event) for event in read]
    assert of_kind(told, Token) == of_kind(read, Token)
    np.testing.assert_array_equal(rows_of(told), rows_of(read))


def test_closing_the_iterator_frees_the_model(backend: LocalBackend) -> None:
    events = backend.generate(GenerateRequest("a", PROMPT, Sampling(max_new_tokens=4000)))
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert of_kind(ask(backend), End)


def test_of_two_requests_at_once_one_can_be_cancelled(backend: LocalBackend) -> None:
    sampling = Sampling(max_new_tokens=60)
    first = backend.generate(GenerateRequest("first", PROMPT, sampling))
    second = backend.generate(GenerateRequest("second", OTHER, sampling))
    read: dict[str, list[Event]] = {}
    threads = [
        Thread(target=lambda name=name, events=events: read.update({name: list(events)}))
        for name, events in (("first", first), ("second", second))
    ]
    backend.cancel("second")
    backend.cancel("nobody")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert of_kind(read["second"], End)[0].completion.finish == "cancelled"
    assert len(of_kind(read["first"], End)[0].completion.token_ids) == 60


def test_an_answer_ends_where_the_context_ends(backend: LocalBackend) -> None:
    prompt = Prompt("a " * 4000, (prompt_image(60, 60),))
    events = ask(backend, prompt, max_new_tokens=2000)
    started, end = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(end, End)
    assert 0 < len(end.completion.token_ids) == 4096 - started.prompt_tokens < 100
    assert end.completion.finish == "length"


REFUSED = {
    "longer than the context": (GenerateRequest("a", Prompt("a " * 20_000)), "at most 4,096"),
    "no completions": (GenerateRequest("a", PROMPT, count=0), "count=0"),
    "too many completions": (GenerateRequest("a", PROMPT, count=65), "count=65"),
}


@pytest.mark.parametrize(("request_", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_asked_is_a_sentence_and_the_model_lives(
    backend: LocalBackend, request_: GenerateRequest, says: str
) -> None:
    with pytest.raises(PromptError, match=says):
        list(backend.generate(request_))
    assert of_kind(ask(backend, max_new_tokens=2), End)


def test_another_models_tokens_are_refused(backend: LocalBackend) -> None:
    with pytest.raises(PromptError, match="Token 151000"):
        backend.score([(OTHER, Completion("", (151_000,)))])


def test_memory_that_runs_out_is_a_sentence() -> None:
    too_much = pytest.raises(OutOfMemoryError, match="The answer needed more memory")
    with too_much, memory_errors("The answer"):
        torch.empty(2**55)
    with pytest.raises(RuntimeError, match="size"), memory_errors("The answer"):
        torch.ones(2) @ torch.ones(3)


def test_a_picture_beyond_the_memory_is_a_sentence_and_the_model_lives(
    backend: LocalBackend,
) -> None:
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + 32 * 2**20, hard))
    request = GenerateRequest("a", HUGE, budget=PixelBudget(2400 * 2400, 2400 * 2400))
    try:
        with pytest.raises(OutOfMemoryError, match="smaller region"):
            list(backend.generate(request))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert of_kind(ask(backend, max_new_tokens=2), End)


def test_a_closed_backend_says_so(mini_checkpoint: Path) -> None:
    backend = LocalBackend(mini_checkpoint, "mini", device="cpu")
    assert backend.status().state == "ready"
    backend.close()
    assert backend.status().state == "stopped"
    with pytest.raises(WorkerError, match="closed"):
        ask(backend)
