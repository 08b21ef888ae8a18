"""Maps of completions: attention and evidence."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from pathviewer.api import user_messages
from pathviewer.api.schemas.base import BoxOut, Response
from pathviewer.api.schemas.questions import CheckMethodOut
from pathviewer.common.schema import QuerySchema, Schema, sentence_error

MOST_TOKENS = 2**31 - 1


class TokenRange(BaseModel):
    """Tokens of a completion; all passages without them."""

    first: Annotated[int, Field(ge=0, le=MOST_TOKENS)] | None = None
    """First token."""
    stop: Annotated[int, Field(ge=0, le=MOST_TOKENS)] | None = None
    """One past the last token."""

    @model_validator(mode="after")
    def _check_both(self) -> Self:
        if (self.first is None) != (self.stop is None):
            raise sentence_error(user_messages.PASSAGE_RANGE_INVALID)
        return self

    @property
    def tokens(self) -> range | None:
        """The tokens; None for all passages."""
        if self.first is None or self.stop is None:
            return None
        return range(self.first, self.stop)


class TokenQuery(TokenRange, QuerySchema):
    """Tokens of a completion, in a query; all passages without them."""


class EvidenceMapsRequest(TokenRange, Schema):
    """Tokens whose evidence is to be tested; all passages without them."""


class PassageMap(Response):
    """What a passage's map says as a whole."""

    name: str
    first: int
    """First token."""
    stop: int
    """One past the last token."""
    start: int
    """UTF-16 code unit."""
    end: int
    image_share: float
    """Share of the attention on the picture."""
    entropy: float
    """0 is one cell, 1 is even."""
    spread: float
    localised: bool
    relative_entropy: float | None
    relative_spread: float | None
    relative_localised: bool | None


class NeutralMap(Response):
    """Attention of the neutral question."""

    peaks: list[float]
    values: str
    """Layers x rows x columns, as in `Maps`."""


class TokenSpan(Response):
    """Place of a token, in UTF-16 code units."""

    start: int
    end: int


class Maps(Response):
    """Attention maps of a completion.

    `values` are bytes in base64; a cell's attention is `value / 255 * peak`.
    """

    columns: int
    rows: int
    layers: int
    box: BoxOut
    passages: list[PassageMap]
    peaks: list[list[float]]
    """By passage and layer."""
    values: str
    """Passages x layers x rows x columns."""
    neutral: NeutralMap | None
    floor: float
    localised_spread: float
    least_image_share: float
    tokens: list[TokenSpan]


class PlaceTest(Response):
    """Test whether a passage depends on the strongest tenth of its map's cells.

    Probabilities, 0 to 1, of its words with parts of the picture blurred.
    """

    claim: Literal["place", "region", "none"]
    """It depends on this place, on the region as a whole, or not on the picture."""
    sentence: str
    """The claim for people."""
    as_is: float
    """With the whole picture."""
    blanked: float
    """With the picture in its mean colour, or blurred if only that changes it."""
    masked: float
    """With the place blurred."""
    elsewhere: list[float]
    """With as many other cells blurred, at several places; empty if the claim is settled before."""
    cells: list[int]
    """The place: cells counted row by row."""


class PassageEvidence(Response):
    """What a passage depends on."""

    name: str
    first: int
    """First token."""
    stop: int
    """One past the last token."""
    start: int
    """UTF-16 code unit."""
    end: int
    losses: list[float]
    """Rows x columns: what the words lose with the cell occluded; negative where they gain."""
    region_loss: float | None
    """What they lose with all cells occluded; null in the quick form."""
    test: PlaceTest | None
    """Null in the quick form, and for tokens until they are tested."""


class EvidenceMethod(Response):
    """How evidence was found."""

    name: Literal["occlusion", "attention x gradient"]
    quick: bool
    """Whether it is the quick form, which has no unit and claims nothing."""
    check: CheckMethodOut | None
    """How places were tested; null in the quick form."""


class EvidenceMapsOut(Response):
    """Evidence maps of a completion."""

    columns: int
    rows: int
    box: BoxOut
    unit: Literal["nats"] | None
    """Of the losses: change of the natural logarithm of a probability."""
    method: EvidenceMethod
    passages: list[PassageEvidence]
    tokens: list[TokenSpan]
