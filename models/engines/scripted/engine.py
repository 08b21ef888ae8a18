"""Scripted engine for tests, and for demonstrations without a model.

It behaves like any engine: it streams, cancels, stops at `max_new_tokens`, gives several
completions, scores and attends. Its results depend only on the script (see `script`) and the
request.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines import user_messages
from models.engines.base import EngineStatus
from models.engines.scripted.attention import (
    LAYERS,
    rows,
    split_tokens,
    token_ends,
    token_ids,
    visible_share,
)
from models.engines.scripted.script import Script, ScriptedAnswer, read_script
from models.errors import PromptError, WorkerError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    Finish,
    GenerateRequest,
    GenerationStart,
    ImagePlacement,
    ModelInfo,
    OcclusionRequest,
    PixelBudget,
    Prompt,
    Sampling,
    Token,
    TokenScores,
)
from models.occlusion import OcclusionRows
from models.pictures import open_picture
from models.placement import place_picture, token_columns
from models.reasoning.trace import parse

CONTEXT = 32_768
"""Most tokens of prompt and completion."""
ROWS_AT_ONCE = 8
"""Tokens per block of attention rows."""
LIKELY, UNLIKELY = 0.9, 0.25
"""Probability of a token of the script's own answer with the picture visible, and of any other."""
LOSS = 2.0
"""Loss of a token with all of its attended area occluded, in nats."""


class ScriptedEngine:
    """An `Engine` that takes its completions from a script; it says that it is not a model."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        name: str = "scripted",
        budget: PixelBudget = PixelBudget(3_136, 200_704),  # noqa: B008  a frozen value
        licence: str | None = None,
        train_allowed: bool | None = None,
    ) -> None:
        self._script = script or read_script()
        self._cancelled: dict[str, threading.Event] = {}
        self._closed = threading.Event()
        self._info = ModelInfo(
            name=name,
            revision=self._script.revision,
            architecture="script",
            parameters=0,
            device="cpu",
            dtype="float32",
            attention="none",
            context=CONTEXT,
            budget=budget,
            layers=LAYERS,
            licence=licence,
            train_allowed=train_allowed,
        )

    def status(self) -> EngineStatus:
        """Ready until closed."""
        waiting = len(self._cancelled)
        if self._closed.is_set():
            return EngineStatus("stopped", user_messages.SCRIPT_CLOSED, self._info, waiting)
        return EngineStatus("ready", user_messages.SCRIPT_READY, self._info, waiting)

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """As `Engine.generate`; requests are served concurrently."""
        name = request.request_id
        if name in self._cancelled:
            raise PromptError(user_messages.request_running(name))
        cancelled = self._cancelled[name] = threading.Event()
        try:
            scene = self._scene(request.prompt, request.budget)
            yield GenerationStart(name, scene.placements, scene.prompt_tokens, self._info)
            answer = self._script.find_answer(request.prompt.text)
            texts = [
                _choose_text(answer, request.sampling, index) for index in range(request.count)
            ]
            writers = [_Writer(request, scene, answer, index, t) for index, t in enumerate(texts)]
            yield from self._write(writers, cancelled)
        finally:
            del self._cancelled[name]

    def _write(self, writers: list[_Writer], cancelled: threading.Event) -> Iterator[Event]:
        """Write all completions side by side, one token of each at a time."""
        while writers:
            self._pause(cancelled)
            for writer in list(writers):
                if cancelled.is_set():
                    writer.stop()
                yield from writer.write()
                if writer.ended:
                    writers.remove(writer)

    def _pause(self, cancelled: threading.Event) -> None:
        """Wait for the duration of a token; raises WorkerError once the engine is closed."""
        cancelled.wait(self._script.seconds_per_token)
        if self._closed.is_set():
            raise WorkerError(user_messages.SCRIPT_CLOSED)

    def cancel(self, request_id: str) -> None:
        """Stop before the next token."""
        cancelled = self._cancelled.get(request_id)
        if cancelled is not None:
            cancelled.set()

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,  # noqa: ARG002  nobody waits here
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """The script's own answer is as likely as the picture is visible where it looks.

        The reasoning before it does not matter.
        """
        return [self._score(prompt, completion, budget) for prompt, completion in items]

    def _score(
        self, prompt: Prompt, completion: Completion, budget: PixelBudget | None
    ) -> TokenScores:
        self._scene(prompt, budget)
        answer = self._script.find_answer(prompt.text)
        tokens = split_tokens(completion.text)
        chance = UNLIKELY
        if any(_same_answer(completion.text, text) for text in answer.texts):
            chance += (LIKELY - UNLIKELY) * visible_share(prompt, answer.passages)
        logprobs = np.full(len(tokens), math.log(chance), np.float32)
        return TokenScores(token_ids(tokens), token_ends(tokens), logprobs)

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Rows that `generate` gives for the same text."""
        scene = self._scene(prompt, budget)
        answer = self._script.find_answer(prompt.text)
        tokens = split_tokens(completion.text)
        return AttentionRows(
            "", 0, 0, rows(scene.placements, answer.passages, completion.text, tokens)
        )

    def occlude(self, request: OcclusionRequest) -> OcclusionRows:
        """Tokens lose `LOSS` times the share of their attended area that is occluded."""
        tokens, shares = self._attended(request)
        cells = request.places.reshape(len(request.places), -1)
        baseline = np.full(len(tokens), math.log(LIKELY), np.float32)
        lost = (LOSS * cells @ shares.T).astype(np.float32)
        averaged = baseline - (LOSS * shares.sum(1)).astype(np.float32)
        return OcclusionRows(request.places, baseline, averaged, baseline - lost)

    def weigh_attention(
        self, request: OcclusionRequest, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        """The attended areas of each passage's tokens."""
        _, shares = self._attended(request)
        maps = [shares[tokens.start : tokens.stop].mean(0) for tokens in passages]
        return np.stack(maps).reshape(-1, *request.places.shape[1:]).astype(np.float32)

    def _attended(self, request: OcclusionRequest) -> tuple[list[str], NDArray[np.float32]]:
        """The completion's tokens, and (tokens, cells): where the script says each one looks.

        Shares add up to 1, or to 0 for tokens that the script does not place.
        """
        scene = self._scene(request.prompt, request.budget)
        answer = self._script.find_answer(request.prompt.text)
        text = request.completion.text
        tokens = split_tokens(text)
        last = rows(scene.placements, answer.passages, text, tokens)[:, -1]
        shares = last[:, token_columns(scene.placements, request.image_index)]
        placed = shares - shares.min(1, keepdims=True)
        total = placed.sum(1, keepdims=True)
        return tokens, np.divide(placed, total, out=np.zeros_like(placed), where=total > 1e-6)

    def close(self) -> None:
        """Close; running requests end with a WorkerError."""
        self._closed.set()

    def _scene(self, prompt: Prompt, budget: PixelBudget | None) -> _PreparedPrompt:
        if self._closed.is_set():
            raise WorkerError(user_messages.SCRIPT_CLOSED)
        placements = tuple(
            place_picture(image.box, *open_picture(image.data).size, budget or self._info.budget)
            for image in prompt.images
        )
        seen = sum(placement.tokens for placement in placements)
        read = len(split_tokens((prompt.system or "") + prompt.text))
        if seen + read >= CONTEXT:
            raise PromptError(user_messages.question_too_long_for_script(seen + read, CONTEXT))
        return _PreparedPrompt(placements, seen + read)


@dataclass(frozen=True)
class _PreparedPrompt:
    """A prepared prompt."""

    placements: tuple[ImagePlacement, ...]
    """One per picture."""
    prompt_tokens: int
    """Tokens of text and pictures."""


class _Writer:
    """Writes one completion token by token."""

    def __init__(
        self,
        request: GenerateRequest,
        scene: _PreparedPrompt,
        answer: ScriptedAnswer,
        index: int,
        text: str,
    ) -> None:
        tokens = split_tokens(text)
        self._request = request
        self._index = index
        self._finish: Finish = "stop"
        if len(tokens) > request.sampling.max_new_tokens:
            tokens, self._finish = tokens[: request.sampling.max_new_tokens], "length"
        self._tokens = tokens
        self._rows = rows(scene.placements, answer.passages, text, tokens)
        self._written = self._reported = 0
        self._started = time.monotonic()
        self._first = 0.0
        self.ended = False

    def stop(self) -> None:
        """End the completion as cancelled."""
        if not self.ended:
            self._tokens, self._finish = self._tokens[: self._written], "cancelled"

    def write(self) -> Iterator[Event]:
        """Write the next token, with rows and the end when due."""
        name = self._request.request_id
        seconds = time.monotonic() - self._started
        if self._written < len(self._tokens):
            token = self._tokens[self._written]
            self._first = self._first or seconds
            self._written += 1
            yield Token(name, self._index, token_ids([token])[0], token)
        self.ended = self._written == len(self._tokens)
        if self._written - self._reported >= (1 if self.ended else ROWS_AT_ONCE):
            yield from self._report()
        if self.ended:
            ids, ends = token_ids(self._tokens), token_ends(self._tokens)
            completion = Completion("".join(self._tokens), ids, ends, self._finish)
            yield CompletionEnd(name, self._index, completion, seconds, self._first)

    def _report(self) -> Iterator[Event]:
        first, self._reported = self._reported, self._written
        if self._request.attention:
            given = self._rows[first : self._written].astype(np.float16)
            yield AttentionRows(self._request.request_id, self._index, first, given)


def _choose_text(answer: ScriptedAnswer, sampling: Sampling, index: int) -> str:
    """Text of a completion: the first one unless sampling is on."""
    if sampling.temperature == 0:
        return answer.texts[0]
    return answer.texts[(sampling.seed + index) % len(answer.texts)]


def _same_answer(text: str, other: str) -> bool:
    """Whether two completions give the same answer; without answers, the same text."""
    answer = parse(text).answer
    return text == other or (answer is not None and answer == parse(other).answer)
