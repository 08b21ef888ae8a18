"""A trace as it is put to a judge, and replies about it."""

from __future__ import annotations

from typing import Any

from PIL import Image

from models.judges.base import JudgeInput
from models.reward import EVENTS

TRACE = """<think>
1. Glands lined by atypical cells are seen.
2. Squamous cell carcinoma would form "keratin pearls"; none are seen.
3. Gland formation defines adenocarcinoma, and it excludes mucin.
</think>
<answer>A</answer>"""
PRESENT = {
    "missing_image_features": "Glands lined by atypical cells",
    "missing_option_elimination": "squamous cell carcinoma would form ... none are seen",
    "missing_knowledge": "Gland formation defines adenocarcinoma",
}
ABSENT = {"quote": "", "happened": True}
"""Of an event that something is missing: nothing to quote."""


def picture(colour: str = "pink", side: int = 56) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", (side, side), colour)


def judged(completion: str = TRACE, **changed: Any) -> JudgeInput:
    """The trace as it is put to a judge."""
    known: dict[str, Any] = {
        "question": "What is the diagnosis?",
        "options": ("adenocarcinoma", "squamous cell carcinoma"),
        "gold": "adenocarcinoma",
        "images": (picture(),),
        "id": "1",
    }
    return JudgeInput(completion, **known | changed)


def events(**changed: Any) -> dict[str, Any]:
    """A reply in the asked-for shape: nothing missing, nothing wrong, but for what is changed."""
    found = {event: {"quote": PRESENT.get(event, ""), "happened": False} for event in EVENTS}
    return found | changed
