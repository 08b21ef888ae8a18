"""A question as a caller puts it: the value from the route, command or worklist to the engine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema

from models.messages import Sampling
from models.placement import FACTOR
from models.prompts import QuestionText
from pathviewer.common.schema import MOST_LISTED, Schema, Text
from pathviewer.slides.geometry import Region
from pathviewer.slides.outline import Point, read_points
from pathviewer.slides.slide_identity import LabelState, SlideIdentity

LARGEST_SIDE = 2**40
"""Upper bound of a level-0 coordinate, px; the slide's own size is checked later."""
LEAST_PIXELS = FACTOR * FACTOR
MOST_PIXELS = LEAST_PIXELS * 4_096
"""Bounds of the pixel budget that a request may set."""
MOST_ANSWERS = 8
MOST_NEW_TOKENS = 4_096
LARGEST_SEED = 2**53 - 1
"""Largest whole number that JavaScript holds exactly."""
TASK_LENGTH = 200

Coordinate = Annotated[int, Field(ge=0, le=LARGEST_SIDE)]
Texts = Annotated[list[Text], Field(max_length=MOST_LISTED)]
Colours = Literal["corrected", "raw"]
Points = Annotated[
    tuple[Point, ...],
    BeforeValidator(read_points),
    Strict(False),
    WithJsonSchema(
        {"type": "array", "items": {"type": "array", "items": {"type": "number"}, "minItems": 2}}
    ),
]
"""Points in level-0 pixels. RegionError names a wrong one."""


class Box(Schema):
    """A rectangle in level-0 pixels."""

    x: Coordinate
    y: Coordinate
    width: Coordinate
    height: Coordinate

    @property
    def region(self) -> Region:
        """The rectangle as a region."""
        return Region(self.x, self.y, self.width, self.height)


class RegionRequest(Schema):
    """A region to be shown to the model, and how."""

    box: Box
    """The region."""
    points: Points | None = None
    """The outline as drawn; none for an upright rectangle."""
    paint_outside: bool = False
    """Whether pixels outside the outline are painted in the slide's background colour."""
    max_pixels: Annotated[int, Field(ge=LEAST_PIXELS, le=MOST_PIXELS)] | None = None
    """Largest area of the picture, px; the model's own if none."""
    colours: Colours = "corrected"
    """Corrected to sRGB by the slide's colour profile where it has one, or as scanned."""


class PreviewRequest(RegionRequest):
    """A region to be previewed."""

    task: Text | None = None
    """Name of the question template, for warnings about its needs."""


class QuestionContext(Schema):
    """Facts about the case that the prompt gives to the model."""

    organ: Text = ""
    specimen: Text = ""
    stain: Text = ""
    history: Text = ""

    @property
    def text(self) -> str:
        """One line for each given field, as in the prompt."""
        return "\n".join(f"{name.capitalize()}: {text}" for name, text in self if text)


class SamplingRequest(Schema):
    """How tokens are chosen; what is left out has the model's default."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """0 takes the likeliest token."""
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    """The same request and seed give the same tokens."""
    max_new_tokens: Annotated[int, Field(ge=1, le=MOST_NEW_TOKENS)] | None = None
    """Maximum tokens of an answer."""

    @property
    def sampling(self) -> Sampling:
        """The parameters. Raises PromptError for a temperature between 0 and 0.01."""
        return Sampling(**self.model_dump(exclude_none=True))


class SeenIdentity(Schema):
    """The `identity` of `GET /api/slides/{id}`, as the caller saw it."""

    alias: Text
    name: Text
    case: Text | None
    stain: Text | None
    scale: Text
    label: LabelState

    @property
    def identity(self) -> SlideIdentity:
        """The identity."""
        return SlideIdentity(**dict(self))


class QuestionRequest(RegionRequest):
    """A question about a region of a slide."""

    slide: Text
    """Id of the slide."""
    identity: SeenIdentity | None = None
    """What the caller saw of the slide; checked if given."""
    question: Text
    """The question."""
    options: Texts | None = None
    """Answer options; none for a free answer."""
    context: QuestionContext | None = None
    """Facts about the case that the prompt gives to the model."""
    findings: Texts | None = None
    """Names from `GET /api/questions`, whose visible attributes are added to the prompt."""
    task: Annotated[Text, Field(max_length=TASK_LENGTH)] | None = None
    """Name of the question template, from `GET /api/questions`."""
    sampling: SamplingRequest | None = None
    """How tokens are chosen."""
    count: Annotated[int, Field(ge=1, le=MOST_ANSWERS)] = 1
    """Number of answers."""
    blind: bool = False
    """Whether the answers are hidden until the caller has given their own."""

    @property
    def text(self) -> QuestionText:
        """Question, options, context and findings."""
        context = "" if self.context is None else self.context.text
        return QuestionText(
            self.question, tuple(self.options or ()), context, tuple(self.findings or ())
        )
