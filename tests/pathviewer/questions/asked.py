"""Questions of tests, and what an engine answers to them."""

from __future__ import annotations

import hashlib
from typing import Any

from PIL import Image

from models.messages import (
    Box,
    Completion,
    CompletionEnd,
    GenerationStart,
    ImagePlacement,
    PixelBudget,
    Prompt,
    Sampling,
)
from models.pictures import as_prompt_image
from pathviewer.questions.preparation import PreparedQuestion
from storage.database import Database
from tests.models.red_spot import INFO
from tests.storage.reading_rows import new_reading, stored_slide

PLACE = ImagePlacement(Box(10, 20, 300, 200), 84, 56, 3, 2)
STARTED = GenerationStart("r", (PLACE,), 12, INFO)
PICTURE = as_prompt_image(Image.new("RGB", (84, 56), "white"), PLACE.box)


def asked(database: Database, **given: Any) -> PreparedQuestion:
    """A blind question with one answer, if nothing else is said."""
    with database.session() as session:
        slide = stored_slide(session)
    sha256 = hashlib.sha256(PICTURE.data).hexdigest()
    given = {"blind": True, "count": 1, "pixels_sha256": sha256, **given}
    new = new_reading(slide, **given)
    prompt = Prompt(new.prompt, (PICTURE,))
    return PreparedQuestion(new, prompt, Sampling(), PixelBudget(784, 50_176))


def ended(text: str, index: int = 0) -> CompletionEnd:
    """A completion of one token."""
    return CompletionEnd("r", index, Completion(text, (1,), (len(text),)), 0.5, 0.1)
