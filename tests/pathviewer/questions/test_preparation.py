"""Bounds of a question that are known before its pixels are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.file_pictures import FilePictures
from pathviewer.questions.model_input import find_model
from pathviewer.questions.preparation import prepare_question
from pathviewer.questions.request import QuestionRequest
from tests.models.backend_with_answers import INFO


@pytest.fixture
def pictures(tmp_path: Path) -> FilePictures:
    """A picture of 40 x 40 cells."""
    path = tmp_path / "a.png"
    Image.new("RGB", (1120, 1120)).save(path)
    return FilePictures(path, find_model("scripted"))


def question(count: int) -> QuestionRequest:
    box = {"x": 0, "y": 0, "width": 1120, "height": 1120}
    given = {"slide": "a", "box": box, "question": "What is it?", "count": count}
    return QuestionRequest.model_validate(
        given | {"max_pixels": 1120 * 1120, "sampling": {"max_new_tokens": 3_000}}
    )


@pytest.mark.parametrize(
    ("count", "layers", "refused"),
    [
        (6, 6, None),
        (7, 6, "7 answers.*in 6 layers takes 385 MiB.*at most 336 MiB.*Ask for fewer answers"),
        (1, 28, None),
        (1, 80, "1 answer of.*in 80 layers takes 732 MiB.*Allow fewer tokens or lower the pixel"),
    ],
)
def test_attention_is_bounded_over_all_layers(
    pictures: FilePictures, count: int, layers: int, refused: str | None
) -> None:
    running = replace(INFO, layers=layers)
    if refused is None:
        prepare_question(question(count), "local", pictures, running)
        return
    with pytest.raises(QuestionRefused, match=refused):
        prepare_question(question(count), "local", pictures, running)


def test_a_model_that_still_loads_is_taken_for_one_of_28_layers(pictures: FilePictures) -> None:
    prepare_question(question(1), "local", pictures, None)
    with pytest.raises(QuestionRefused, match="in 28 layers takes 513 MiB"):
        prepare_question(question(2), "local", pictures, None)
