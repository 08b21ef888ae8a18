"""Engine that runs a checkpoint with transformers in the calling process."""

from __future__ import annotations

import io
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.engines import user_messages
from models.engines.base import EngineStatus
from models.engines.local.attention_gradient import weigh_attention
from models.engines.local.checkpoint_loading import load_model
from models.engines.local.generation import answer
from models.engines.local.memory import convert_memory_errors
from models.engines.local.occlusion import occlude
from models.engines.local.replay import attend, score
from models.errors import WorkerError
from models.messages import (
    AttentionRows,
    Box,
    Completion,
    Event,
    GenerateRequest,
    OcclusionRequest,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
    TokenScores,
)
from models.occlusion import OcclusionRows

P = ParamSpec("P")
Result = TypeVar("Result")


def blank(side: int) -> PromptImage:
    """White square of `side` x `side` pixels."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(file, "PNG")
    return PromptImage(file.getvalue(), Box(0, 0, side, side))


FIRST_QUESTION = GenerateRequest(
    "warm-up", Prompt("What is it?", (blank(56),)), Sampling(max_new_tokens=2)
)
"""Warm-up request."""


class LocalEngine:
    """A Qwen2.5-VL or Qwen2-VL checkpoint, loaded on construction.

    One thread runs the network: requests are served one after another, and events can be read while
    the next token is computed.
    """

    def __init__(
        self,
        location: Path,
        name: str,
        *,
        device: str | None = None,
        dtype: str | None = None,
        budget: PixelBudget | None = None,
        licence: str | None = None,
        train_allowed: bool | None = None,
    ) -> None:
        """Load the folder `location`, called `name` in messages, by `load_model`.

        `licence` and `train_allowed` are reported with every completion.
        """
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="model")
        # by request id: its cancel flag; the entry disappears with the request
        self._requests: weakref.WeakValueDictionary[str, threading.Event] = (
            weakref.WeakValueDictionary()
        )
        self._closed = False
        try:
            loaded = self._pool.submit(
                load_model, location, name, device=device, dtype=dtype, budget=budget
            ).result()
            info = replace(loaded.info, licence=licence, train_allowed=train_allowed)
            self._loaded = replace(loaded, info=info)
            deque(self.generate(FIRST_QUESTION), maxlen=0)  # warm-up: no request waits for it
        except BaseException:
            self._pool.shutdown(wait=False)
            raise

    def status(self) -> EngineStatus:
        """Ready until closed."""
        info = self._loaded.info
        if self._closed:
            return EngineStatus("stopped", user_messages.model_closed(info.name), info)
        sentence = user_messages.model_loaded(info.name, info.device, info.dtype, info.attention)
        return EngineStatus("ready", sentence, info, waiting=len(self._requests))

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Started, then Token, AttentionRows and End of each completion; see `Engine`."""
        return self._events(request, self._noted(request))

    def answer(self, request: GenerateRequest, tell: Callable[[Event], None]) -> None:
        """The same events, passed to `tell` by the thread that runs the network."""
        cancelled = self._noted(request)
        self._submit(self._answer, request, cancelled, tell).result()

    def _noted(self, request: GenerateRequest | OcclusionRequest) -> threading.Event:
        cancelled = threading.Event()
        self._requests[request.request_id] = cancelled
        return cancelled

    def _events(self, request: GenerateRequest, cancelled: threading.Event) -> Iterator[Event]:
        events: SimpleQueue[Event | None] = SimpleQueue()  # None at the end
        work = self._submit(self._answer, request, cancelled, events.put)
        work.add_done_callback(lambda _: events.put(None))
        try:
            while (event := events.get()) is not None:
                yield event
            work.result()
        finally:
            cancelled.set()
            wait([work])

    def _answer(
        self,
        request: GenerateRequest,
        cancelled: threading.Event,
        tell: Callable[[Event], None],
    ) -> None:
        if request.budget is None:
            request = replace(request, budget=self._loaded.info.budget)
        with self._memory_errors("The answer"):
            answer(self._loaded, request, cancelled, tell)

    def cancel(self, request_id: str) -> None:
        """Stop a request within one token; its completions end as `cancelled`."""
        cancelled = self._requests.get(request_id)
        if cancelled is not None:
            cancelled.set()

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,  # noqa: ARG002 - calls are served in turn here
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """Log-probability of every token of each completion, given its prompt."""
        return self._submit(self._score, items, budget or self._loaded.info.budget).result()

    def _score(
        self, items: Sequence[tuple[Prompt, Completion]], budget: PixelBudget
    ) -> list[TokenScores]:
        with self._memory_errors("Weighing the answers"):
            return score(self._loaded, items, budget)

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Attention rows of an existing completion, by one replayed prefill."""
        chosen = budget or self._loaded.info.budget
        return self._submit(self._attend, prompt, completion, chosen).result()

    def _attend(self, prompt: Prompt, completion: Completion, budget: PixelBudget) -> AttentionRows:
        with self._memory_errors("The attention of the answer"):
            return attend(self._loaded, prompt, completion, budget)

    def occlude(self, request: OcclusionRequest) -> OcclusionRows:
        """Log-probabilities of a completion with each place occluded; see `OcclusionEngine`."""
        return self._submit(self._occlude, request, self._noted(request)).result()

    def _occlude(self, request: OcclusionRequest, cancelled: threading.Event) -> OcclusionRows:
        budget = request.budget or self._loaded.info.budget
        with self._memory_errors("The evidence map of the answer"):
            return occlude(self._loaded, replace(request, budget=budget), cancelled)

    def weigh_attention(
        self, request: OcclusionRequest, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        """Attention x gradient of some passages; see `OcclusionEngine`."""
        return self._submit(self._weigh_attention, request, passages).result()

    def _weigh_attention(
        self, request: OcclusionRequest, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        budget = request.budget or self._loaded.info.budget
        with self._memory_errors("The quick map of the answer"):
            return weigh_attention(self._loaded, replace(request, budget=budget), passages)

    def close(self) -> None:
        """Release the network; running requests end as cancelled."""
        self._closed = True
        for cancelled in list(self._requests.values()):
            cancelled.set()
        self._pool.shutdown()

    def _memory_errors(self, activity: str) -> AbstractContextManager[None]:
        """As `convert_memory_errors`; if memory runs out, the cache of prompts is emptied."""
        return convert_memory_errors(activity, self._loaded.cache.clear)

    def _submit(
        self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        if self._closed:
            raise WorkerError(user_messages.closed_model_called(self._loaded.info.name))
        return self._pool.submit(work, *args, **kwargs)
