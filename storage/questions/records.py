"""Immutable records of questions and completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class NewQuestion:
    """A question as asked."""

    account_id: str
    """Account that asked."""

    slide_id: str
    """Slide of the region."""

    quickhash: str | None
    """OpenSlide's fingerprint of the slide's file; None if there is none."""

    x: int
    """Left edge of the region, level-0 pixels."""

    y: int
    """Top edge of the region."""

    width: int
    """Width of the region, at least 1."""

    height: int
    """Height of the region, at least 1."""

    points: Sequence[Sequence[float]] | None
    """Outline as drawn, [x, y] each in level-0 pixels; None for the region itself."""

    paint_outside: bool
    """Whether the area outside the outline was painted in the background colour."""

    mpp: float | None
    """Microns per pixel of the picture; None if unknown."""

    question: str
    """Question as typed."""

    options: Sequence[str]
    """Answer options; empty for a free answer."""

    context: Mapping[str, Any]
    """Case facts given to the model, by name."""

    task: str | None
    """Name of the question template."""

    outside_known_types: bool
    """Whether the model was not trained on this type of question."""

    prompt: str
    """Prompt that the model read."""

    system: str | None
    """System prompt; None for the chat template's default."""

    pixels_sha256: str
    """Picture that the model saw, a row of `blobs`."""

    model: str
    """Name of the model."""

    sampling: Mapping[str, Any]
    """Sampling parameters, including the seed."""

    count: int
    """Number of completions requested."""

    min_pixels: int
    """Area in pixels to which smaller pictures are enlarged."""

    max_pixels: int
    """Area in pixels to which larger pictures are reduced."""

    blind: bool
    """Whether the rater answers before they see the model's answer."""

    scale: Mapping[str, Any] | None = None
    """Slide scale in use: `x` and `y` in microns per level-0 pixel, their `source` (`file` or
    `entered`), the file's own scale `claimed`, and `entered_at`; None for questions from before
    this was recorded.
    """
    colours: Mapping[str, Any] | None = None
    """`profile` (name of the slide's colour profile) and `corrected` (whether the picture was
    converted to sRGB by it) if a profile could be applied; `pixel_note` if the slide is not 8-bit
    colour; None without either or if it was not recorded.
    """

    slide_identity: Mapping[str, Any] | None = None
    """Slide identity: alias, name, case, stain, scale, label; None for questions from before this
    was recorded.
    """

    writer: str | None = None
    """Program instance that writes the completions; only it may mark them as interrupted."""


@dataclass(frozen=True)
class QuestionStart:
    """Facts known once the model has started."""

    pixel_width: int
    """Width of the picture after resizing."""

    pixel_height: int
    """Height of the picture after resizing."""

    columns: int
    """Token cell columns."""

    rows: int
    """Token cell rows."""

    prompt_tokens: int
    """Tokens of the prompt, including the picture's."""

    model_revision: str | None
    """Revision of the weights."""

    model_info: Mapping[str, Any]
    """Architecture, device, dtype, attention, library versions."""


@dataclass(frozen=True, kw_only=True)
class QuestionRecord(NewQuestion):
    """A stored question."""

    id: str
    """UUID as text."""

    pixel_width: int | None
    """Width of the picture after resizing; None until the model has started, as for the next
    six.
    """

    pixel_height: int | None
    """Height of the picture after resizing."""

    columns: int | None
    """Token cell columns."""

    rows: int | None
    """Token cell rows."""

    prompt_tokens: int | None
    """Tokens of the prompt, including the picture's."""

    model_revision: str | None
    """Revision of the weights."""

    model_info: Mapping[str, Any] | None
    """Architecture, device, dtype, attention, library versions."""

    state: str
    """`running`, `done`, `stopped` or `failed`."""

    failure: str | None
    """Message of the failure; None if it did not fail."""

    first_answer: str | None
    """Rater's answer before they saw the model's; None if not given."""

    first_confidence: int | None
    """Confidence in it, 1 to 5."""

    first_answer_at: datetime | None
    """When it was frozen, UTC."""

    created_at: datetime
    """When it was asked, UTC."""

    ended_at: datetime | None
    """When the run ended, UTC; None while it is running."""


@dataclass(frozen=True)
class NewCompletion:
    """A completion as the model wrote it."""

    index: int
    """Index among the question's completions, from 0."""

    text: str
    """Full text."""

    token_ids: Sequence[int]
    """Its token ids."""

    token_ends: Sequence[int]
    """For each token, the number of characters of the text complete with it."""

    finish: str
    """`stop`, `length` or `cancelled`."""

    answer: str | None
    """Parsed answer; None if there is none."""

    well_formed: bool
    """Whether it follows the required format."""

    seconds: float
    """Seconds from the start of the run to the end."""

    first_token_seconds: float
    """Seconds from the start of the run to the first token."""

    attention_sha256: str | None = None
    """Attention rows, a row of `blobs`; None if not stored or no longer stored."""

    evidence_sha256: str | None = None
    """Evidence maps, a row of `blobs`; None if not stored or no longer stored."""

    token_logprobs: Sequence[float] | None = None
    """For each token, its natural log-probability by the model's logits before repetition penalty,
    temperature, top-k and top-p; None if the engine did not report it.
    """


@dataclass(frozen=True, kw_only=True)
class CompletionRecord(NewCompletion):
    """A stored completion."""

    id: str
    """UUID as text."""

    question_id: str
    """Question that it answers."""

    created_at: datetime
    """When it was stored, UTC."""


@dataclass(frozen=True)
class NewDeletionCheck:
    """Whether an answer depended on the attended area: its probabilities, 0 to 1."""

    passage: str
    """Passage whose attention was masked: `step 3`, `answer` or `all`."""

    as_is: float
    """With the picture."""

    blanked: float
    """With the whole picture in one colour, or blurred if only that changes it."""

    attended_masked: float
    """With the most attended cells masked."""

    random_masked: Sequence[float]
    """With the same number of other cells masked, in several places; empty if the verdict was
    settled without them.
    """

    verdict: str
    """Verdict in one or two words."""

    sentence: str
    """Verdict as a sentence for users."""

    fill: str
    """What replaced the masked cells; `grey` in version 1."""

    version: int
    """Version of the check."""

    controls: Mapping[str, Any] | None
    """Figures of the fill's controls on the model; None if they were not measured."""


@dataclass(frozen=True, kw_only=True)
class DeletionCheckRecord(NewDeletionCheck):
    """A stored deletion check."""

    id: str
    """UUID as text."""

    completion_id: str
    """Completion checked."""

    account_id: str
    """Account that requested it."""

    created_at: datetime
    """Time of the check, UTC."""
