"""The weights that ship: their size and format, and what they say of a real slide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from safetensors import safe_open
from transformers import Qwen2_5_VLForConditionalGeneration

from models.registry import DEFAULT_MODEL, resolve_model
from pathviewer.commands.ask import ask_command
from tests.commands import called
from tests.long_cases import long_cases

LEVELS = ("low", "moderate", "high")
MEASURED = [
    ("548,548", "How cellular is this region?", LEVELS, "moderate"),
    *long_cases(
        ("996,548", "How cellular is this region?", LEVELS, "high"),
        ("548,548", "How much open space does this region show?", LEVELS, "high"),
        ("100,100", "Is there tissue in this region?", ("yes", "no"), "no"),
    ),
]
"""Fields of CMU-1-Small-Region, and what `measures.facts_of` finds there at 1 um per pixel."""


def test_it_is_small_in_bfloat16_and_loads_with_plain_transformers() -> None:
    folder = resolve_model(DEFAULT_MODEL).location
    assert folder is not None
    weights = folder / "model.safetensors"
    assert weights.stat().st_size <= 25e6
    with safe_open(weights, "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    # a pair because of the option, which the annotation does not know
    loaded: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder, output_loading_info=True
    )
    _, told = loaded
    assert not any(told[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))


@pytest.mark.parametrize(("place", "question", "options", "answer"), MEASURED)
def test_it_answers_what_can_be_measured_on_a_real_slide(
    cmu: Path, place: str, question: str, options: tuple[str, ...], answer: str
) -> None:
    app = typer.Typer()
    app.command()(ask_command)
    offered = [part for option in options for part in ("--option", option)]
    asked = called(app, cmu, "--region", f"{place},448,448", question, *offered, "--json")
    assert asked.code == 0, asked
    assert json.loads(asked.stdout)["answer"] == "ABC"[options.index(answer)]
