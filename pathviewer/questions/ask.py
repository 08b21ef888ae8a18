"""One question about a region, from the prompt to what a page shows: events, trace and maps."""

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
"""Priority of somebody who waits."""


@dataclass(frozen=True)
class PassageMaps:
    """Where the model looked while it wrote a passage; one map per picture of the prompt."""

    name: str
    """`step 1`, `step 2`, ..., `answer`, or `all` for the whole completion."""
    raw: tuple[AttentionMap, ...]
    """Attention as it was."""
    relative: tuple[AttentionMap, ...]
    """The same over that of a neutral question; empty where there is none to compare with."""

    @property
    def relative_or_raw(self) -> tuple[AttentionMap, ...]:
        """The relative maps if there are any, else the raw ones."""
        return self.relative or self.raw


@dataclass(frozen=True)
class CompletionResult:
    """A completion and all that is known of how it came about."""

    request: GenerateRequest
    """What was asked."""
    started: GenerationStart
    """What the model made of it: model, placements, prompt tokens."""
    end: CompletionEnd
    """The completion and its timing."""
    rows: AttentionRows | None
    """Attention of every token; None if it was not asked for or nothing was written."""
    neutral: AttentionRows | None
    """Attention of a neutral question on the same pictures; None without attention, after a
    cancel, and where the model could not answer it."""

    @property
    def completion(self) -> Completion:
        """What was written."""
        return self.end.completion

    @cached_property
    def trace(self) -> ReasoningTrace:
        """What was written, read."""
        return parse(self.completion.text)

    @property
    def passages(self) -> list[tuple[str, range]]:
        """Name and tokens of each step and of the answer, then `all`; only those with tokens."""
        return find_passages(self.trace, self.completion.token_ends)

    def maps(self, tokens: range, name: str, layers: range | None = None) -> PassageMaps:
        """Maps of any tokens and layers. Raises ModelError for those that were not reported."""
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
        """Maps of every passage over all layers; none without attention or pictures."""
        if self.rows is None or not self.started.placements:
            return ()
        return tuple(self.maps(tokens, name) for name, tokens in self.passages)


@dataclass(frozen=True)
class NeutralQuestionProgress:
    """The answer is complete, and the neutral question is under way; told again as it goes on."""

    request_id: str
    """Of the request that was answered."""


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
    """The backend's events as they come, and at the end a Reading of each completion.

    Closing the generator cancels, as `cancel` does from another thread. The neutral question that
    the maps are compared with is asked after the answer, so that it does not wait. Raises what the
    backend raises.
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
    """Stop an `ask` within a token, whichever of its two questions is under way.

    A complete answer keeps its Reading, whose maps are then raw. Unknown ids are ignored.
    """
    engine.cancel(request_id)
    engine.cancel(_neutral_id(request_id))


def collect_results(
    request: GenerateRequest, events: Sequence[Event], neutral: AttentionRows | None
) -> list[CompletionResult]:
    """A Reading of each completion that ended among the events of a request."""
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
    """The neutral attention, if it is of use; an answer is not lost for want of it."""
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
    """Where the model looks in a request's pictures when it is asked nothing in particular."""
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
    """A backend's events as a generator, whose closing closes the backend's iterator too."""
    yield from engine.generate(request)


def _ends(events: Sequence[Event]) -> list[CompletionEnd]:
    return [event for event in events if isinstance(event, CompletionEnd)]


def _join_rows(events: Sequence[Event], index: int) -> AttentionRows | None:
    """The attention of one completion in one piece."""
    parts = [event for event in events if isinstance(event, AttentionRows)]
    own_parts = [part for part in parts if part.completion_index == index]
    return join_rows(own_parts) if own_parts else None
