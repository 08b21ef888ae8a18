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
    joined,
    normalised,
)
from models.engines.base import Backend
from models.errors import CancelledError, ModelError
from models.messages import (
    AttentionRows,
    Completion,
    End,
    Event,
    GenerateRequest,
    PixelBudget,
    Prompt,
    Sampling,
    Started,
)
from models.reasoning.trace import ReasoningTrace, parse
from pathviewer.attention.passages import passages

_log = logging.getLogger(__name__)

CLINICIAN = 10
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
    def shown(self) -> tuple[AttentionMap, ...]:
        """The relative maps if there are any, else the raw ones."""
        return self.relative or self.raw


@dataclass(frozen=True)
class Reading:
    """A completion and all that is known of how it came about."""

    request: GenerateRequest
    """What was asked."""
    started: Started
    """What the model made of it: model, placements, prompt tokens."""
    end: End
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
        return passages(self.trace, self.completion.token_ends)

    def maps(self, tokens: range, name: str, layers: range | None = None) -> PassageMaps:
        """Maps of any tokens and layers. Raises ModelError for those that were not reported."""
        raw = self._maps(joined([self.rows] if self.rows else []), tokens, layers)
        if self.neutral is None:
            return PassageMaps(name, raw, ())
        neutral = self._maps(self.neutral, range(len(self.neutral.rows)), layers)
        pairs = zip(raw, neutral, strict=True)
        return PassageMaps(name, raw, tuple(normalised(*pair) for pair in pairs))

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
class Comparing:
    """The answer is complete, and the neutral question is under way; told again as it goes on."""

    request_id: str
    """Of the request that was answered."""


def ask(
    backend: Backend,
    prompt: Prompt,
    *,
    sampling: Sampling | None = None,
    budget: PixelBudget | None = None,
    count: int = 1,
    priority: int = CLINICIAN,
    attention: bool = True,
    request_id: str | None = None,
) -> Generator[Event | Comparing | Reading, None, None]:
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
    heard: list[Event] = []
    with closing(_events(backend, request)) as events:
        for event in events:
            heard.append(event)
            yield event
    neutral = yield from _neutral(backend, request, heard)
    yield from readings(request, heard, neutral)


def cancel(backend: Backend, request_id: str) -> None:
    """Stop an `ask` within a token, whichever of its two questions is under way.

    A complete answer keeps its Reading, whose maps are then raw. Unknown ids are ignored.
    """
    backend.cancel(request_id)
    backend.cancel(_neutral_id(request_id))


def readings(
    request: GenerateRequest, heard: Sequence[Event], neutral: AttentionRows | None
) -> list[Reading]:
    """A Reading of each completion that ended among the events of a request."""
    started = [event for event in heard if isinstance(event, Started)]
    ends = sorted(_ends(heard), key=lambda end: end.completion_index)
    return [
        Reading(request, started[0], end, _rows(heard, end.completion_index), neutral)
        for end in ends
    ]


def _neutral(
    backend: Backend, request: GenerateRequest, heard: Sequence[Event]
) -> Generator[Comparing, None, AttentionRows | None]:
    """The neutral attention, if it is of use; an answer is not lost for want of it."""
    seen = any(isinstance(event, AttentionRows) for event in heard)
    wanted = any(end.completion.finish != "cancelled" for end in _ends(heard))
    if not (seen and wanted and request.prompt.images):
        return None
    try:
        return (yield from _neutral_rows(backend, request))
    except CancelledError:
        return None
    except ModelError as error:
        _log.warning("Maps are shown raw: the neutral question failed. %s", error)
        return None


def _neutral_rows(
    backend: Backend, request: GenerateRequest
) -> Generator[Comparing, None, AttentionRows | None]:
    """Where the model looks in a request's pictures when it is asked nothing in particular."""
    neutral = GenerateRequest(
        request_id=_neutral_id(request.request_id),
        prompt=Prompt(NEUTRAL_QUESTION, request.prompt.images, request.prompt.system),
        sampling=Sampling(max_new_tokens=NEUTRAL_TOKENS),
        priority=request.priority,
        budget=request.budget,
    )
    heard: list[Event] = []
    with closing(_events(backend, neutral)) as events:
        for event in events:
            heard.append(event)
            yield Comparing(request.request_id)
    if any(end.completion.finish == "cancelled" for end in _ends(heard)):
        return None
    return joined([event for event in heard if isinstance(event, AttentionRows)])


def _neutral_id(request_id: str) -> str:
    return f"{request_id}-neutral"


def _events(backend: Backend, request: GenerateRequest) -> Generator[Event, None, None]:
    """A backend's events as a generator, whose closing closes the backend's iterator too."""
    yield from backend.generate(request)


def _ends(heard: Sequence[Event]) -> list[End]:
    return [event for event in heard if isinstance(event, End)]


def _rows(heard: Sequence[Event], index: int) -> AttentionRows | None:
    """The attention of one completion in one piece."""
    parts = [event for event in heard if isinstance(event, AttentionRows)]
    own = [part for part in parts if part.completion_index == index]
    return joined(own) if own else None
