"""Run one prompt on an engine: its events, then traces and attention maps."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

from models.attention import (
    NEUTRAL_QUESTION,
    NEUTRAL_TOKENS,
    AttentionMap,
    attention_map,
    join_rows,
    normalise_map,
)
from models.engines.base import Engine
from models.errors import CancelledError, ModelError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    PixelBudget,
    Prompt,
    Sampling,
)
from models.reasoning.trace import ReasoningTrace, parse
from pathviewer.attention.passages import find_passages

_log = logging.getLogger(__name__)

INTERACTIVE_PRIORITY = 10
"""Priority of a request that a user waits for."""


@dataclass(frozen=True)
class PassageMaps:
    """Attention maps of one passage, one map per picture of the prompt."""

    name: str
    """`step 1`, `step 2`, ..., `answer`, or `all` for the whole completion."""
    raw: tuple[AttentionMap, ...]
    """Raw attention."""
    relative: tuple[AttentionMap, ...]
    """Attention relative to the neutral question; empty without neutral attention."""

    @property
    def relative_or_raw(self) -> tuple[AttentionMap, ...]:
        """Relative maps if there are any, else raw maps."""
        return self.relative or self.raw


@dataclass(frozen=True)
class CompletionResult:
    """A completion with its request, timing and attention."""

    request: GenerateRequest
    """The request."""
    started: GenerationStart
    """Model, placements and prompt tokens."""
    end: CompletionEnd
    """The completion and its timing."""
    rows: AttentionRows | None
    """Attention of every token; None if it was not requested or the text is empty."""
    neutral: AttentionRows | None
    """Attention of the neutral question on the same pictures; None without attention, after a
    cancel, or if the neutral question failed."""

    @property
    def completion(self) -> Completion:
        """The completion."""
        return self.end.completion

    @cached_property
    def trace(self) -> ReasoningTrace:
        """The parsed trace."""
        return parse(self.completion.text)

    @property
    def passages(self) -> list[tuple[str, range]]:
        """Names and tokens of the steps, the answer and `all`; only those with tokens."""
        return find_passages(self.trace, self.completion.token_ends)

    def maps(self, tokens: range, name: str, layers: range | None = None) -> PassageMaps:
        """Return the maps of some tokens and layers (None: all layers).

        Raises ModelError for tokens or layers that the engine did not report.
        """
        raw = self._maps(join_rows([self.rows] if self.rows else []), tokens, layers)
        if self.neutral is None:
            return PassageMaps(name, raw, ())
        neutral = self._maps(self.neutral, range(len(self.neutral.rows)), layers)
        pairs = zip(raw, neutral, strict=True)
        return PassageMaps(name, raw, tuple(normalise_map(*pair) for pair in pairs))

    def _maps(
        self, rows: AttentionRows, tokens: range, layers: range | None
    ) -> tuple[AttentionMap, ...]:
        placements = self.started.placements
        pictures = range(len(placements))
        return tuple(attention_map(rows, placements, i, tokens, layers) for i in pictures)

    @cached_property
    def passage_maps(self) -> tuple[PassageMaps, ...]:
        """Maps of every passage over all layers; empty without attention or pictures."""
        if self.rows is None or not self.started.placements:
            return ()
        return tuple(self.maps(tokens, name) for name, tokens in self.passages)


@dataclass(frozen=True)
class NeutralQuestionProgress:
    """The completions have ended and the neutral question is running; emitted repeatedly."""

    request_id: str
    """Id of the original request."""


def ask(
    engine: Engine,
    prompt: Prompt,
    *,
    sampling: Sampling | None = None,
    budget: PixelBudget | None = None,
    count: int = 1,
    priority: int = INTERACTIVE_PRIORITY,
    attention: bool = True,
    request_id: str | None = None,
) -> Generator[Event | NeutralQuestionProgress | CompletionResult, None, None]:
    """Yield the engine's events, then a CompletionResult for each completion.

    Closing the generator cancels the request, as `cancel` does from another thread. The neutral
    question, the baseline of the maps, runs after the completions so as not to delay them. Raises
    the engine's errors.
    """
    request = GenerateRequest(
        request_id=request_id or uuid.uuid4().hex,
        prompt=prompt,
        sampling=sampling or Sampling(),
        count=count,
        priority=priority,
        attention=attention,
        budget=budget,
    )
    past_events: list[Event] = []
    with closing(_events(engine, request)) as events:
        for event in events:
            past_events.append(event)
            yield event
    neutral = yield from _try_neutral_question(engine, request, past_events)
    yield from collect_results(request, past_events, neutral)


def cancel(engine: Engine, request_id: str) -> None:
    """Stop an `ask` within one token, during the question or the neutral question.

    A completion that has ended still gets its CompletionResult, with raw maps. Unknown ids are
    ignored.
    """
    engine.cancel(request_id)
    engine.cancel(_neutral_id(request_id))


def collect_results(
    request: GenerateRequest, events: Sequence[Event], neutral: AttentionRows | None
) -> list[CompletionResult]:
    """Return a CompletionResult for each CompletionEnd among a request's events, by index."""
    started = [event for event in events if isinstance(event, GenerationStart)]
    ends = sorted(_ends(events), key=lambda end: end.completion_index)
    return [
        CompletionResult(
            request, started[0], end, _join_rows(events, end.completion_index), neutral
        )
        for end in ends
    ]


def _try_neutral_question(
    engine: Engine, request: GenerateRequest, events: Sequence[Event]
) -> Generator[NeutralQuestionProgress, None, AttentionRows | None]:
    """Return the neutral attention, or None if it is not needed or fails.

    A failure does not lose the completions.
    """
    has_attention = any(isinstance(event, AttentionRows) for event in events)
    wanted = any(end.completion.finish != "cancelled" for end in _ends(events))
    if not (has_attention and wanted and request.prompt.images):
        return None
    try:
        return (yield from _ask_neutral_question(engine, request))
    except CancelledError:
        return None
    except ModelError as error:
        _log.warning("Maps are shown raw: the neutral question failed. %s", error)
        return None


def _ask_neutral_question(
    engine: Engine, request: GenerateRequest
) -> Generator[NeutralQuestionProgress, None, AttentionRows | None]:
    """Ask the neutral question about a request's pictures and return its attention."""
    neutral = GenerateRequest(
        request_id=_neutral_id(request.request_id),
        prompt=Prompt(NEUTRAL_QUESTION, request.prompt.images, request.prompt.system),
        sampling=Sampling(max_new_tokens=NEUTRAL_TOKENS),
        priority=request.priority,
        budget=request.budget,
    )
    past_events: list[Event] = []
    with closing(_events(engine, neutral)) as events:
        for event in events:
            past_events.append(event)
            yield NeutralQuestionProgress(request.request_id)
    if any(end.completion.finish == "cancelled" for end in _ends(past_events)):
        return None
    return join_rows([event for event in past_events if isinstance(event, AttentionRows)])


def _neutral_id(request_id: str) -> str:
    return f"{request_id}-neutral"


def _events(engine: Engine, request: GenerateRequest) -> Generator[Event, None, None]:
    """Wrap the engine's events in a generator; closing it closes the engine's iterator."""
    yield from engine.generate(request)


def _ends(events: Sequence[Event]) -> list[CompletionEnd]:
    return [event for event in events if isinstance(event, CompletionEnd)]


def _join_rows(events: Sequence[Event], index: int) -> AttentionRows | None:
    """Join the attention rows of one completion; None if there are none."""
    parts = [event for event in events if isinstance(event, AttentionRows)]
    own_parts = [part for part in parts if part.completion_index == index]
    return join_rows(own_parts) if own_parts else None
