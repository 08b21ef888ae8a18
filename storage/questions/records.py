"""Readings and completions as values that outlive their transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class NewQuestion:
    """A question as it was asked."""

    account_id: str
    """Who asked."""

    slide_id: str
    """About a region of this slide."""

    quickhash: str | None
    """OpenSlide's fingerprint of the slide's file; None where there is none."""

    x: int
    """Left edge of the region, level-0 pixels."""

    y: int
    """Upper edge of the region."""

    width: int
    """Width of the region, at least 1."""

    height: int
    """Height of the region, at least 1."""

    points: Sequence[Sequence[float]] | None
    """Outline as drawn, [x, y] each in level-0 pixels; None for the region itself."""

    paint_outside: bool
    """Whether what lies outside the outline was painted in the background's colour."""

    mpp: float | None
    """Microns per pixel of the picture; None if unknown."""

    question: str
    """As it was typed."""

    options: Sequence[str]
    """Answers to choose from; none makes the answer free."""

    context: Mapping[str, Any]
    """What was told of the case, by name."""

    task: str | None
    """Name of the template that the question is from."""

    outside_known_types: bool
    """Whether the model was never taught such questions."""

    prompt: str
    """What the model read."""

    system: str | None
    """System prompt; None leaves the chat template's own."""

    pixels_sha256: str
    """The very picture that the model saw, a row of `blobs`."""

    model: str
    """Name of the model."""

    sampling: Mapping[str, Any]
    """How tokens are drawn, the seed included."""

    count: int
    """Answers wanted."""

    min_pixels: int
    """Smaller pictures are enlarged to this area."""

    max_pixels: int
    """Larger pictures are reduced to this area."""

    blind: bool
    """Whether one's own answer comes before the model's."""

    scale: Mapping[str, Any] | None = None
    """The slide's scale in use: `x` and `y` in microns per level-0 pixel, their `source` (`file` or
    `entered`), what the file `claimed`, when it was `entered_at`; None for questions of before this
    was kept."""
    colours: Mapping[str, Any] | None = None
    """`profile`, the name of the slide's colour profile, and whether the picture is `corrected` to
    sRGB by it; None where no profile could be applied, and where this was not kept."""

    slide_identity: Mapping[str, Any] | None = None
    """What the slide could be told by: alias, name, case, stain, scale, label; None for questions
    of before this was kept."""

    writer: str | None = None
    """Which program writes the answers; no other one says that they were cut off."""


@dataclass(frozen=True)
class QuestionStart:
    """What is known once the model has begun."""

    pixel_width: int
    """Width of the picture after resizing."""

    pixel_height: int
    """Height of the picture after resizing."""

    columns: int
    """Token cells across."""

    rows: int
    """Token cells down."""

    prompt_tokens: int
    """Tokens of the prompt, the picture's included."""

    model_revision: str | None
    """Which weights."""

    model_info: Mapping[str, Any]
    """Architecture, device, dtype, attention, versions of libraries."""


@dataclass(frozen=True, kw_only=True)
class QuestionRecord(NewQuestion):
    """A stored reading."""

    id: str
    """UUID as text."""

    pixel_width: int | None
    """Width of the picture after resizing; None until the model has begun, as the next ones."""

    pixel_height: int | None
    """Height of the picture after resizing."""

    columns: int | None
    """Token cells across."""

    rows: int | None
    """Token cells down."""

    prompt_tokens: int | None
    """Tokens of the prompt, the picture's included."""

    model_revision: str | None
    """Which weights."""

    model_info: Mapping[str, Any] | None
    """Architecture, device, dtype, attention, versions of libraries."""

    state: str
    """`running`, `done`, `stopped` or `failed`."""

    failure: str | None
    """The sentence that says why it failed."""

    first_answer: str | None
    """One's own answer before the model's was seen; None if none was given."""

    first_confidence: int | None
    """How sure one was of it, 1 to 5."""

    first_answer_at: datetime | None
    """When it was frozen, UTC."""

    created_at: datetime
    """When it was asked, UTC."""

    ended_at: datetime | None
    """When nothing more followed, UTC; None while it is running."""


@dataclass(frozen=True)
class NewCompletion:
    """An answer as the model wrote it."""

    index: int
    """Which of the reading's answers, from 0."""

    text: str
    """All of it."""

    token_ids: Sequence[int]
    """Its tokens."""

    token_ends: Sequence[int]
    """For each token the number of characters of the text that are complete with it."""

    finish: str
    """`stop`, `length` or `cancelled`."""

    answer: str | None
    """What it answers, parsed; None if nothing."""

    well_formed: bool
    """Whether it has the form that was asked for."""

    seconds: float
    """From the start of the work to its end."""

    first_token_seconds: float
    """From the start of the work to its first token."""

    attention_sha256: str | None = None
    """Its attention rows, a row of `blobs`; None if not kept, or not any more."""


@dataclass(frozen=True, kw_only=True)
class CompletionRecord(NewCompletion):
    """A stored completion."""

    id: str
    """UUID as text."""

    question_id: str
    """The reading it answers."""

    created_at: datetime
    """When it was stored, UTC."""


@dataclass(frozen=True)
class NewDeletionCheck:
    """Whether an answer used what it attended to: mean log-probabilities of its tokens."""

    passage: str
    """Whose attention was masked: `step 3`, `answer` or `all`."""

    as_is: float
    """With the picture."""

    blanked: float
    """With a blank picture."""

    attended_masked: float
    """With the most attended cells masked."""

    random_masked: Sequence[float]
    """With as many other cells masked, several times."""

    verdict: str
    """One word or two for it."""

    sentence: str
    """The same for people."""


@dataclass(frozen=True, kw_only=True)
class DeletionCheckRecord(NewDeletionCheck):
    """A stored check."""

    id: str
    """UUID as text."""

    completion_id: str
    """The completion that was checked."""

    account_id: str
    """Who wanted to know."""

    created_at: datetime
    """When, UTC."""
