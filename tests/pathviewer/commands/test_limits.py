"""The page of limits is the one that the settings make, and no limit is missing from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathviewer.commands.limits import limits, limits_page
from pathviewer.commands.main import app
from pathviewer.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
NO_LIMITS = frozenset({"port", "tile_quality", "washout_days"})
"""Numbers that bound nothing."""


def test_the_page_is_the_one_that_the_settings_make() -> None:
    made = CliRunner().invoke(app, ["limits"]).stdout
    page = (ROOT / "docs" / "limits.md").read_text()
    assert made == page, "python -m pathviewer limits > docs/limits.md makes it anew"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_number_is_a_limit_or_known_to_be_none(name: str) -> None:
    annotation = Settings.model_fields[name].annotation
    listed = f"PATHVIEWER_{name.upper()}" in {each.variable for each in limits()}
    if annotation in (int, float):
        assert listed != (name in NO_LIMITS), (
            f"Mark {name} with json_schema_extra=limit(...) in pathviewer/settings.py, "
            "or name it in NO_LIMITS."
        )


def test_each_limit_says_what_happens_beyond_it() -> None:
    for each in limits():
        assert each.meaning.endswith("."), each
        assert each.unit, each
        assert each.beyond, each
        assert f"`{each.variable}`" in limits_page()


@pytest.mark.parametrize(
    ("value", "unit", "beyond"),
    [
        ("65,536", "bytes", "431"),
        ("4096", "bytes", "414"),
        ("16,384", "bytes", "414"),
        ("5120", "KiB", "413"),
        ("2000", "regions", "400"),
        ("50,000", "values", "413"),
        ("64", "sessions", "503"),
        ("1000", "sessions", "503"),
        ("2", "checks", "waits"),
        ("2000", "visits", "503"),
    ],
)
def test_limits_that_no_setting_changes_are_on_the_page(value: str, unit: str, beyond: str) -> None:
    _, fixed = limits_page().split("## Fixed\n")
    rows = [row for row in fixed.splitlines() if f"| {value} | {unit} | " in row]
    assert len(rows) == 1, fixed
    assert beyond in rows[0]
