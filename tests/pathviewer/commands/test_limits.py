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
