"""From a question request to a question that is ready to be asked and stored."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from models.messages import PixelBudget, Prompt, Sampling
from models.placement import FACTOR
from models.prompts import build_prompt, list_templates
from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.region_picture import stored_colours
from storage.questions.records import NewQuestion

if TYPE_CHECKING:
    from models.messages import ModelInfo
    from models.registry import RegisteredModel
    from pathviewer.questions.region_picture import RegionPicture
    from pathviewer.questions.request import QuestionRequest, RegionRequest
    from pathviewer.slides.slide_identity import SlideIdentity

MOST_ATTENTION_VALUES = 168 * 2**20
"""Maximum completions x tokens x cells x layers of a question: 336 MiB of float16, held twice while
a completion's blocks are joined."""
VALUE_BYTES = 2
"""Bytes of a float16."""
USUAL_LAYERS = 28
"""Layers assumed while the model loads: those of Qwen2.5-VL-7B."""


@dataclass(frozen=True)
class PreparedQuestion:
    """A question about a region, ready to be asked and stored."""

    new_question: NewQuestion
    """The row to store."""
    prompt: Prompt
    """Text and one picture; the picture's SHA-256 is `new_question.pixels_sha256`."""
    sampling: Sampling
    """Sampling parameters."""
    budget: PixelBudget
    """Area of the picture after resizing."""

    @property
    def picture(self) -> bytes:
        """The picture as a PNG file."""
        return self.prompt.images[0].data


class PictureSource(Protocol):
    """Checks requested regions and makes their pictures: of the library's slides, or of a file."""

    @property
    def model(self) -> RegisteredModel:
        """The model that will answer."""

    def budget(self, request: RegionRequest) -> PixelBudget:
        """Return the area of the request's picture after resizing."""

    def check_region(self, slide_id: str, request: RegionRequest) -> tuple[int, int]:
        """Return (width, height) of the request's picture, px, without reading a pixel."""

    def confirm_identity(self, slide_id: str, expected: SlideIdentity | None) -> SlideIdentity:
        """Return the slide's identity; refuse another one than expected."""

    def make_picture(self, slide_id: str, request: RegionRequest, account_id: str) -> RegionPicture:
        """Read the region's picture on behalf of an account."""


def prepare_question(
    request: QuestionRequest, account_id: str, pictures: PictureSource, running: ModelInfo | None
) -> PreparedQuestion:
    """Check the whole request, then read the region's pixels; `running` is None while it loads.

    Raises QuestionRefused, SlideError, ModelError.
    """
    model = pictures.model
    sampling = request.sampling.sampling if request.sampling else Sampling()
    prompt = build_prompt(request.text, (), model)
    size = pictures.check_region(request.slide, request)
    _check_attention(request.count, sampling.max_new_tokens, size, running)
    seen = request.identity.identity if request.identity else None
    identity = pictures.confirm_identity(request.slide, seen)
    picture = pictures.make_picture(request.slide, request, account_id)
    pictures.confirm_identity(request.slide, identity)  # again, after the read
    prompt = replace(prompt, images=(picture.image,))
    new = NewQuestion(
        account_id=account_id,
        slide_id=request.slide,
        slide_identity=asdict(identity),
        sampling=dict(vars(sampling)),
        prompt=prompt.text,
        system=prompt.system,
        pixels_sha256=hashlib.sha256(prompt.images[0].data).hexdigest(),
        **_question_facts(request, model),
        **_picture_facts(request, picture, pictures.budget(request)),
    )
    return PreparedQuestion(new, prompt, sampling, pictures.budget(request))


def _check_attention(
    count: int, tokens: int, size: tuple[int, int], running: ModelInfo | None
) -> None:
    """Raise QuestionRefused if the attention could exceed the memory; `size` is in pixels."""
    layers = running.layers if running else USUAL_LAYERS
    cells = (size[0] // FACTOR) * (size[1] // FACTOR)
    values = count * tokens * cells * layers
    if values > MOST_ATTENTION_VALUES:
        mib = (VALUE_BYTES * values / 2**20, VALUE_BYTES * MOST_ATTENTION_VALUES / 2**20)
        raise QuestionRefused(user_messages.attention_too_large(count, tokens, cells, layers, *mib))


def _question_facts(request: QuestionRequest, model: RegisteredModel) -> dict[str, Any]:
    """Return the stored fields of the typed question."""
    task = _find_task(request.question, model) if request.task is None else request.task
    return {
        "question": request.question,
        "options": list(request.options or ()),
        "context": request.context.model_dump(exclude_unset=True) if request.context else {},
        "task": task,
        "outside_known_types": bool(model.question_types) and task not in model.question_types,
        "model": model.name,
        "count": request.count,
        "blind": request.blind,
    }


def _picture_facts(
    request: QuestionRequest, picture: RegionPicture, budget: PixelBudget
) -> dict[str, Any]:
    """Return the stored fields of the region and its picture."""
    return vars(request.box.region) | {
        "points": [list(point) for point in request.points or ()] or None,
        "paint_outside": request.paint_outside,
        "mpp": picture.mpp,
        "scale": None if picture.scale is None else picture.scale.provenance(),
        "quickhash": picture.quickhash,
        "colours": stored_colours(picture),
        **vars(budget),
    }


def _find_task(question: str, model: RegisteredModel) -> str | None:
    """Return the task whose template equals the question word for word; None if none does."""
    typed = question.strip()
    return next(
        (template.task for template in list_templates(model) if template.text == typed), None
    )
