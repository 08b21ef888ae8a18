"""A question that was asked before, asked once more."""

from __future__ import annotations

from dataclasses import fields

from models.messages import Box, PixelBudget, Prompt, PromptImage, Sampling
from pathviewer.reading.asked import Asked
from pathviewer.reading.errors import ReadingRefused
from storage.reading_records import NewReading, ReadingRecord


def prompt_of(record: ReadingRecord, picture: bytes) -> Prompt:
    """What the model was given: the words as they were, and the very picture."""
    box = Box(record.x, record.y, record.width, record.height)
    return Prompt(record.prompt, (PromptImage(picture, box),), record.system)


def budget_of(record: ReadingRecord) -> PixelBudget:
    """Of the picture."""
    return PixelBudget(record.min_pixels, record.max_pixels)


def check_same_model(record: ReadingRecord, model: str) -> None:
    """Raises ReadingRefused where another model would answer."""
    if record.model != model:
        raise ReadingRefused(
            f"{record.model} answered this, and {model} runs now: it would say something else. "
            "Ask the question anew.",
            409,
        )


def asked_again(record: ReadingRecord, picture: bytes, account_id: str, model: str) -> Asked:
    """The same question by an account; raises ReadingRefused where another model would answer."""
    check_same_model(record, model)
    same = {field.name: getattr(record, field.name) for field in fields(NewReading)}
    new = NewReading(**same | {"account_id": account_id})
    sampling = Sampling(**record.sampling)
    return Asked(new, prompt_of(record, picture), sampling, budget_of(record))
