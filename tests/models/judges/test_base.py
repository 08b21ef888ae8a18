"""A judge as `evaluate` takes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from models.evaluation.items import EvaluationItem
from models.judges.base import process_judge
from models.training.specimen.claims import MeasuredClaimsJudge

TRACE = "<think>1. Tissue: present. Focus: sharp.\n2. Cellularity: low.</think><answer>A</answer>"
FACTS = {"tissue": ["present"], "focus": ["sharp"], "cellularity": ["high"]}


@pytest.mark.parametrize(
    ("kind", "facts", "text", "score"),
    [
        ("cellularity", FACTS, TRACE, pytest.approx(2 / 3)),
        ("cellularity", FACTS, "<answer>A</answer>", 0.0),  # nothing said earns nothing
        ("cellularity", {}, TRACE, None),  # nobody measured it
        ("grade", {"mitoses": 12}, TRACE, None),  # facts of another set are not read
    ],
)
def test_an_item_is_judged(
    tmp_path: Path, kind: str, facts: dict[str, object], text: str, score: float | None
) -> None:
    image = tmp_path / "1.png"
    Image.new("RGB", (28, 28)).save(image)
    item = EvaluationItem("1", image, "How cellular?", "high", question_type=kind, facts=facts)
    assert process_judge(MeasuredClaimsJudge())(text, item) == score
