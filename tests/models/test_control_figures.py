"""Figures of the check's controls, as they stand beside a checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.control_figures import (
    FIGURES_FILE,
    ControlFigures,
    find_control_figures,
    read_control_figures,
)
from models.errors import CheckpointError
from models.registry import list_models

BLUR = {
    "positive_control": 1.0,
    "positive_control_low": 0.72,
    "positive_control_high": 1.0,
    "negative_control": 0.54,
    "negative_control_low": 0.45,
    "negative_control_high": 0.62,
}
TABLE = {"model": "m", "revision": "r1", "n": 30, "groups": 10, "maps": [], "fills": {"blur": BLUR}}
FIGURES = ControlFigures(**BLUR, n=30)


def write(folder: Path, **changes: Any) -> Path:
    """A folder with the file."""
    (folder / FIGURES_FILE).write_text(json.dumps(TABLE | changes), encoding="utf-8")
    return folder


def test_figures_are_of_one_fill_and_revision(tmp_path: Path) -> None:
    assert read_control_figures(tmp_path, "blur", "r1") is None
    folder = write(tmp_path)
    assert read_control_figures(folder, "blur", "r1") == FIGURES
    assert read_control_figures(folder, "white", "r1") is None
    assert read_control_figures(folder, "blur", "r2") is None


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"positive_control": 0.9}, True),
        ({"positive_control": 0.89}, False),  # the true evidence matters too seldom
        ({"negative_control_low": 0.51}, False),  # random places matter too often
        ({"negative_control_high": 0.49}, False),  # or too seldom
    ],
)
def test_both_controls_decide(changes: dict[str, float], passed: bool) -> None:
    assert replace(FIGURES, **changes).has_passed is passed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"",  # cut off
        b"\xff",  # no text
        b"[]",
        json.dumps(TABLE | {"n": 0}).encode(),
        json.dumps(TABLE | {"fills": {"blur": {}}}).encode(),
        json.dumps(TABLE | {"fills": {"blur": BLUR | {"positive_control": 41}}}).encode(),
    ],
)
def test_a_damaged_file_is_named_only_where_somebody_asks(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FIGURES_FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"maps\.json.*bench maps --json"):
        read_control_figures(tmp_path, "blur", "r1")
    model = replace(list_models()[0], location=tmp_path, hub_id=None)
    assert find_control_figures(model, "blur", "r1") is None


def test_only_a_checkpoint_of_this_machine_has_figures(tmp_path: Path) -> None:
    model = replace(list_models()[0], location=write(tmp_path), hub_id=None)
    assert find_control_figures(model, "blur", "r1") == FIGURES
    for other in (replace(model, location=None), replace(model, hub_id="a/b")):
        assert find_control_figures(other, "blur", "r1") is None
    assert find_control_figures(model, "blur", None) is None
