"""Questions, their completions and maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pathviewer.api.schemas.base import BoxOut, Facts, OutlineOut, Response, SlideName, Timestamp
from pathviewer.common.schema import OneOf, QuerySchema, Schema, Text
from storage.feedback.vocabulary import VERDICTS

QuestionState = Literal["running", "done", "failed", "stopped"]
Finish = Literal["stop", "length", "cancelled"]
DISAGREEMENT = "mixed"
"""In place of a verdict: raters disagree."""


class HistoryQuery(QuerySchema):
    """A page of the caller's questions."""

    slide: Text | None = None
    """Only those on this slide."""
    limit: Annotated[int, Field(ge=0)] = 20
    """At most 100."""
    before: Text | None = None
    """Id of the last question of the page before."""


class DeletionCheckRequest(Schema):
    """Which passage's map the deletion check uses."""

    passage: Text = "all"
    """Name of a passage: `step 1`, ..., `answer` or `all`."""


class TraceStep(Response):
    """A step of a trace; places in UTF-16 code units."""

    start: int
    stop: int
    text: str
    state: Literal["streaming", "done", "cut off"]


class TraceAnswer(Response):
    """The answer of a trace; places in UTF-16 code units."""

    start: int
    stop: int
    text: str


class Trace(Response):
    """A completion's text, parsed."""

    steps: list[TraceStep]
    answer: TraceAnswer | None
    well_formed: bool
    problems: list[str]


class ControlFiguresOut(Response):
    """How often masking matters more than masking elsewhere, 0 to 1, with 95 % intervals."""

    positive_control: float
    """Where the true evidence is masked."""
    positive_control_low: float
    positive_control_high: float
    negative_control: float
    """Where a random place is masked; half is chance."""
    negative_control_low: float
    negative_control_high: float
    n: int
    """Number of regions."""
    passed: bool
    """Whether the true evidence matters in at least 0.9, and a random place as by chance."""


class CheckMethodOut(Response):
    """How a deletion check masked."""

    fill: str
    """What replaced the masked cells; `grey` in version 1."""
    version: int
    """Version of the check."""
    controls: ControlFiguresOut | None
    """Its controls on the model; null if they were not measured."""
    current: bool
    """Whether this is the version in use; an older one says little."""


class DeletionCheckOut(Response):
    """Probabilities, 0 to 1, of a passage with parts of the picture masked."""

    id: str
    passage: str
    as_is: float
    """With the whole picture."""
    blanked: float
    """With the whole picture in its mean colour, or blurred if only that changes it."""
    attended_masked: float
    """With the most attended tenth of the cells masked."""
    random_masked: list[float]
    """With as many other cells masked, at several places; empty if the verdict was settled."""
    random_mean: float
    """Geometric mean of `random_masked`; `as_is` if that is empty."""
    verdict: Literal["attended area mattered", "image mattered", "neither"]
    sentence: str
    """The verdict for people."""
    created_at: Timestamp
    method: CheckMethodOut


class CompletionOut(Response):
    """One text that a model wrote."""

    id: str
    index: int
    """Place among the question's completions, from 0."""
    text: str
    finish: Finish
    trace: Trace
    tokens: int
    """Number of tokens."""
    seconds: float
    first_token_seconds: float | None
    deletion: list[DeletionCheckOut]


class Budget(Response):
    """Bounds of the picture's area, px."""

    min_pixels: int
    max_pixels: int


class PictureOut(Response):
    """The picture that the model saw."""

    width: int | None
    """Pixels; null until the model starts."""
    height: int | None
    mpp: float | None
    """Microns per pixel of the picture; null if the scale is unknown."""
    scale: Facts | None
    """The slide's scale in use when it was asked, with its source."""
    colours: Facts | None
    pixel_note: str | None
    """How the slide's pixels differ from 8-bit colour; null if they do not or it is unknown."""
    sha256: str


class Placement(Response):
    """Where the token cells of the picture lie."""

    box: BoxOut
    pixel_width: int
    pixel_height: int
    columns: int
    rows: int


class Question(Response):
    """A question and all that is known of its completions."""

    id: str
    slide: SlideName
    slide_identity: Facts | None
    """What was seen of the slide when it was asked."""
    box: BoxOut
    points: OutlineOut | None
    paint_outside: bool
    question: str
    options: list[str]
    context: Facts
    task: str | None
    outside_known_types: bool
    """Whether the model was not trained on this type of question."""
    prompt: str
    system: str | None
    sampling: Facts
    budget: Budget
    count: int
    blind: bool
    first_answer: str | None
    """The caller's own answer."""
    first_confidence: int | None
    picture: PictureOut
    placements: list[Placement]
    quickhash: str | None
    model: str
    model_revision: str | None
    model_info: Facts | None
    prompt_tokens: int | None
    created_at: Timestamp
    ended_at: Timestamp | None
    state: QuestionState
    error: str | None
    completions: list[CompletionOut]
    """Empty while the caller owes their own answer."""
    agreement: dict[str, int] | None
    """Number of completions by answer; null below two completions."""


class QuestionRow(Response):
    """A question in the history."""

    id: str
    slide: str
    created_at: Timestamp
    state: QuestionState
    question: str
    box: BoxOut
    model: str
    answers: list[str | None]


class PreviewOut(Response):
    """What the model will see of a region."""

    width: int
    height: int
    columns: int
    rows: int
    cells: tuple[int, int]
    """Width and height of a token cell, px."""
    mpp: float | None
    mpp_source: Literal["file", "entered"] | None
    nucleus_px: float | None
    """Width of a nucleus of 7 µm, px."""
    warnings: list[str]
    fit: BoxOut | None
    """A smaller region in which nuclei can be seen; null if this one will do."""
    colours: Facts | None
    picture: str
    """PNG as a data URL."""


class ModelFacts(Response):
    """The configured model and its state."""

    name: str
    state: Literal["starting", "ready", "failed", "stopped"]
    sentence: str
    specimen: bool
    """Whether it is the embedded specimen, limited to `question_types`."""
    question_types: list[str] | None
    budget: Budget | None
    layers: int | None
    cell_pixels: int
    max_pixels_limit: int
    waiting: int


class QuestionTemplate(Response):
    """A question that the page offers."""

    task: str
    label: str
    text: str
    options: list[str]
    needs_finding: bool
    known: bool
    """Whether the model was trained on it."""


class Finding(Response):
    """A finding, and what is known of it."""

    name: str
    text: str


class QuestionTemplates(Response):
    """The questions and findings that the page offers."""

    tasks: list[QuestionTemplate]
    findings: list[Finding]


class MapEvidence(Response):
    """An evidence region."""

    box: BoxOut
    points: OutlineOut | None


class SlideMapQuestion(Response):
    """A question on the slide map."""

    reading: str
    question: str
    created_at: Timestamp
    verdict: Annotated[str, OneOf((*VERDICTS, DISAGREEMENT))] | None
    """`mixed` if raters disagree."""
    evidence: list[MapEvidence]
    box: BoxOut
    points: OutlineOut | None


class SlideMap(Response):
    """The newest questions on a slide."""

    questions: list[SlideMapQuestion]
    more: bool
    """Whether older ones are left out."""
