"""The transformers backend cancelled, refused, out of memory or closed: a sentence, no end."""

from __future__ import annotations

import resource
from pathlib import Path
from threading import Thread

import pytest
import torch
from PIL import Image

from models.engines.local.engine import LocalEngine
from models.engines.local.memory import convert_memory_errors
from models.errors import OutOfMemoryError, PromptError, WorkerError
from models.messages import (
    Box,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
    Token,
)
from tests.models.engines.local_asking import OTHER, PROMPT, ask, of_kind, rows_of
from tests.models.prompt_pictures import png, prompt_image

HUGE = Prompt("What is it?", (PromptImage(png(Image.new("L", (2400, 2400))), Box(0, 0, 1, 1)),))


def test_cancel_stops_within_a_token(backend: LocalEngine) -> None:
    request = GenerateRequest("a", PROMPT, Sampling(max_new_tokens=2000))
    seen: list[Event] = []
    for event in backend.generate(request):
        seen.append(event)
        if len(of_kind(seen, Token)) == 3:
            backend.cancel("a")
    done = of_kind(seen, CompletionEnd)[0].completion
    assert done.finish == "cancelled"
    assert len(done.token_ids) < 100  # tokens that were under way while this thread was busy
    assert len(rows_of(seen)) == len(done.token_ids)


@pytest.mark.parametrize("after", [1, 3, 32])
def test_after_cancel_one_token_more_is_written_at_most(backend: LocalEngine, after: int) -> None:
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if len(of_kind(told, Token)) == after:
            backend.cancel("a")

    backend.answer(GenerateRequest("a", PROMPT, Sampling(max_new_tokens=2000)), tell)
    done = of_kind(told, CompletionEnd)[0].completion
    assert done.finish == "cancelled"
    assert len(done.token_ids) == after + 1
    assert len(rows_of(told)) == after + 1


def test_closing_the_iterator_frees_the_model(backend: LocalEngine) -> None:
    events = backend.generate(GenerateRequest("a", PROMPT, Sampling(max_new_tokens=4000)))
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert of_kind(ask(backend), CompletionEnd)


def test_of_two_requests_at_once_one_can_be_cancelled(backend: LocalEngine) -> None:
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
    assert of_kind(read["second"], CompletionEnd)[0].completion.finish == "cancelled"
    assert len(of_kind(read["first"], CompletionEnd)[0].completion.token_ids) == 60


def test_an_answer_ends_where_the_context_ends(backend: LocalEngine) -> None:
    prompt = Prompt("a " * 4000, (prompt_image(60, 60),))
    events = ask(backend, prompt, max_new_tokens=2000)
    started, end = events[0], events[-1]
    assert isinstance(started, GenerationStart)
    assert isinstance(end, CompletionEnd)
    assert 0 < len(end.completion.token_ids) == 4096 - started.prompt_tokens < 100
    assert end.completion.finish == "length"


REFUSED = {
    "longer than the context": (GenerateRequest("a", Prompt("a " * 20_000)), "at most 4,096"),
    "no completions": (GenerateRequest("a", PROMPT, count=0), "count=0"),
    "too many completions": (GenerateRequest("a", PROMPT, count=65), "count=65"),
}


@pytest.mark.parametrize(("request_", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_asked_is_a_sentence_and_the_model_lives(
    backend: LocalEngine, request_: GenerateRequest, says: str
) -> None:
    with pytest.raises(PromptError, match=says):
        list(backend.generate(request_))
    assert of_kind(ask(backend, max_new_tokens=2), CompletionEnd)


def test_another_models_tokens_are_refused(backend: LocalEngine) -> None:
    with pytest.raises(PromptError, match="Token 151000"):
        backend.score([(OTHER, Completion("", (151_000,)))])


def test_memory_that_runs_out_is_a_sentence() -> None:
    too_much = pytest.raises(OutOfMemoryError, match="The answer needed more memory")
    with too_much, convert_memory_errors("The answer"):
        torch.empty(2**55)
    with pytest.raises(RuntimeError, match="size"), convert_memory_errors("The answer"):
        torch.ones(2) @ torch.ones(3)


def test_a_picture_beyond_the_memory_is_a_sentence_and_the_model_lives(
    backend: LocalEngine,
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
    assert of_kind(ask(backend, max_new_tokens=2), CompletionEnd)


def test_a_closed_backend_says_so(mini_checkpoint: Path) -> None:
    backend = LocalEngine(mini_checkpoint, "mini", device="cpu")
    assert backend.status().state == "ready"
    backend.close()
    assert backend.status().state == "stopped"
    with pytest.raises(WorkerError, match="closed"):
        ask(backend)
