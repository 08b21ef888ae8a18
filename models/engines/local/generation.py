"""Generation for one request: `model.generate` with events for each token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
)

from models.capture import PictureColumns, QueryStash, capture_into
from models.engines import user_messages
from models.engines.local.checkpoint_loading import LoadedModel
from models.engines.local.prompt_cache import (
    embed_tokens,
    read_on,
    read_prefix,
    rope_positions,
)
from models.engines.local.token_text import TextWriter
from models.errors import PromptError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    Finish,
    GenerateRequest,
    GenerationStart,
    Token,
)
from models.processing import PreparedPrompt, prepare_prompt
from models.user_messages import out_of_range

ROW_BLOCK = 32
"""Most tokens per block of attention rows."""
ROW_SECONDS = 0.1
"""Longest wait before available rows are sent, so that the map moves while a model writes."""


class RowClock:
    """Timer of attention rows."""

    def __init__(self) -> None:
        """Start with no rows sent."""
        self._told = time.perf_counter()

    def is_due(self, tokens: int) -> bool:
        """Whether to send these rows now; if so, restart the timer."""
        now = time.perf_counter()
        due = tokens >= ROW_BLOCK or (tokens > 0 and now - self._told >= ROW_SECONDS)
        if due:
            self._told = now
        return due


def answer(
    loaded: LoadedModel,
    request: GenerateRequest,
    cancelled: threading.Event,
    tell: Callable[[Event], None],
) -> None:
    """Serve a request, passing its events from `Started` on to `tell`; raises PromptError."""
    began = time.perf_counter()
    check_count(request)
    prepared = prepare_prompt(loaded.processor, request.prompt, request.budget).to(loaded.device)
    check_length(loaded, prepared.tokens)
    tell(GenerationStart(request.request_id, prepared.placements, prepared.tokens, loaded.info))
    rows = 1 if request.sampling.temperature == 0 else request.count
    stash = (
        QueryStash(loaded.info.layers, picture_columns(prepared, rows))
        if request.attention
        else None
    )
    watcher = TokenStreamer(loaded, request, prepared.tokens, stash, cancelled, tell, began)
    if cancelled.is_set():
        watcher.cancel()
        return
    torch.manual_seed(request.sampling.seed)
    with torch.inference_mode(), capture_into(stash):
        loaded.network.generate(
            **read_prompt(loaded, prepared, rows),
            generation_config=generation_settings(loaded, request, rows, watcher.limit),
            stopping_criteria=StoppingCriteriaList([watcher]),
            logits_processor=logits_processors(request, prepared.tokens, watcher.raw),
        )


def read_prompt(loaded: LoadedModel, prompt: PreparedPrompt, rows: int) -> dict[str, Any]:
    """Inputs of `generate` for `rows` completions: the prompt, and the cache of what was read.

    For one completion the cache holds the prefix. For several it holds all but the last token,
    which alone is then read once for each.
    """
    positions, _ = rope_positions(loaded, prompt)
    cache = read_prefix(loaded, prompt, positions)
    if rows > 1:
        first = cache.get_seq_length()
        following = embed_tokens(loaded, prompt, first)[:, :-1]
        read_on(loaded, following, positions[..., first:-1], cache)
        cache.batch_repeat_interleave(rows)
    return {
        "input_ids": prompt.tensors["input_ids"],
        "attention_mask": prompt.tensors["attention_mask"],
        "position_ids": positions,
        "past_key_values": cache,
    }


def check_count(request: GenerateRequest) -> None:
    """Raise PromptError if the number of completions is out of range."""
    if not 1 <= request.count <= 64:
        message = out_of_range("count", request.count, user_messages.COUNT_RANGE)
        raise PromptError(message)


def check_length(loaded: LoadedModel, tokens: int) -> None:
    """Raise PromptError if the prompt leaves no room for a completion."""
    if tokens >= loaded.info.context:
        info = loaded.info
        message = user_messages.question_too_long(tokens, info.name, info.context)
        raise PromptError(message)


def picture_columns(prepared: PreparedPrompt, rows: int) -> PictureColumns:
    """Positions of the pictures in each of the `rows` sequences generated from a prompt."""
    mask = prepared.tensors["attention_mask"]
    return PictureColumns(prepared.pictures.expand(rows, -1), mask.expand(rows, -1))


def generation_settings(
    loaded: LoadedModel, request: GenerateRequest, rows: int, limit: int
) -> GenerationConfig:
    """Settings of `generate` for `rows` sequences of at most `limit` tokens."""
    sampling = request.sampling
    drawing: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        drawing = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "num_return_sequences": rows,
        }
    return GenerationConfig(  # type: ignore[no-untyped-call]
        max_new_tokens=limit,
        eos_token_id=sorted(loaded.end_ids),
        pad_token_id=loaded.pad_id,
        **drawing,
    )


class RawLogits(LogitsProcessor):
    """The model's logits for the next token; as the first processor, it sees them unchanged.

    `generate` passes them in float32 and leaves them alone; its `output_logits` would store those
    of every token, (tokens, rows, vocabulary).
    """

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Remember and return `scores`, (rows, vocabulary)."""
        self._logits = scores
        return scores

    def logprobs(self, token_ids: torch.Tensor) -> torch.Tensor:
        """(rows,) float32: natural log-probability of each row's next token, (rows,)."""
        chosen = self._logits.gather(1, token_ids[:, None])[:, 0]
        return chosen - self._logits.logsumexp(-1)


def logits_processors(
    request: GenerateRequest, prompt_tokens: int, raw: RawLogits
) -> LogitsProcessorList:
    """`raw`, and the repetition penalty over the completion only, not the prompt."""
    penalty = request.sampling.repetition_penalty
    if penalty == 1.0:
        return LogitsProcessorList([raw])
    return LogitsProcessorList([raw, RepetitionPenaltyLogitsProcessor(penalty, prompt_tokens)])


class TokenStreamer(StoppingCriteria):
    """Sends every token as it is generated and attention rows in blocks, and stops when cancelled.

    Without sampling, all completions are equal: one is generated and sent for each. `generate` also
    gets `raw`, for the log-probabilities.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        request: GenerateRequest,
        prompt_tokens: int,
        stash: QueryStash | None,
        cancelled: threading.Event,
        tell: Callable[[Event], None],
        began: float,
    ) -> None:
        """Start with no tokens; `began` is a value of `time.perf_counter`."""
        self._request = request
        self._stash = stash
        self._cancelled = cancelled
        self._tell = tell
        self._began = began
        self._first_token = 0.0
        self._end_ids = loaded.end_ids
        greedy = request.sampling.temperature == 0
        self.limit = min(request.sampling.max_new_tokens, loaded.info.context - prompt_tokens)
        """Most tokens of a completion, limited by the context."""
        indices = range(request.count)
        self._told_as = [tuple(indices)] if greedy else [(index,) for index in indices]
        self._writers: list[TextWriter | None] = [
            TextWriter(loaded.token_bytes) for _ in self._told_as
        ]
        self.raw = RawLogits()
        self._logprobs: list[list[float]] = [[] for _ in self._told_as]
        self._rows_told = 0
        self._row_clock = RowClock()

    def __call__(self, input_ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        """Called by `generate` after each token: (rows,) bool, which completions are finished."""
        drawn = input_ids[:, -1]
        logprobs = self.raw.logprobs(drawn).tolist()
        if not self._first_token:
            self._first_token = time.perf_counter() - self._began
        stop = self._cancelled.is_set()
        tokens = zip(drawn.tolist(), logprobs, strict=True)
        finishes = [self._add(row, *token, stop) for row, token in enumerate(tokens)]
        if self._stash and (any(finishes) or self._row_clock.is_due(len(self._stash))):
            self._tell_rows()
        for row, finish in enumerate(finishes):
            if finish:
                self._end(row, finish)
        return torch.tensor([writer is None for writer in self._writers], device=input_ids.device)

    def cancel(self) -> None:
        """End all completions before the first token."""
        self._first_token = time.perf_counter() - self._began
        for row in range(len(self._writers)):
            self._end(row, "cancelled")

    def _add(self, row: int, token_id: int, logprob: float, stop: bool) -> Finish | None:
        """Store and send a token; return why it ends its completion, or None."""
        writer = self._writers[row]
        if writer is None:
            return None
        if token_id in self._end_ids:
            return "stop"
        text = writer.add(token_id)
        self._logprobs[row].append(logprob)
        for index in self._told_as[row]:
            self._tell(Token(self._request.request_id, index, token_id, text))
        if stop:
            return "cancelled"
        return "length" if len(writer.token_ids) == self.limit else None

    def _tell_rows(self) -> None:
        """Send the stored rows; the row for an end-of-turn token is dropped."""
        if self._stash is None:
            return
        first, self._rows_told = self._rows_told, self._rows_told + len(self._stash)
        for row, stashed in enumerate(self._stash.rows()):
            writer = self._writers[row]
            if writer is None:
                continue
            rows = stashed[: len(writer.token_ids) - first].half().cpu().numpy()
            if len(rows):
                for index in self._told_as[row]:
                    self._tell(AttentionRows(self._request.request_id, index, first, rows))

    def _end(self, row: int, finish: Finish) -> None:
        """Send the end of a completion."""
        writer = self._writers[row]
        if writer is None:
            return
        self._writers[row] = None
        done = Completion(
            writer.text,
            tuple(writer.token_ids),
            tuple(writer.ends),
            finish,
            tuple(self._logprobs[row]),
        )
        seconds = time.perf_counter() - self._began
        for index in self._told_as[row]:
            self._tell(
                CompletionEnd(self._request.request_id, index, done, seconds, self._first_token)
            )
