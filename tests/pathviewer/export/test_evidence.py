"""Where the model should have looked leaves with the rows of whoever said so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pathviewer.export.consensus import Rule
from pathviewer.export.formats import rater_name
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from tests.pathviewer.export.made_labels import EDITED, RIGHT, WRONG, Labels, Loads, rows

# the region is at (10, 20), 168 px wide, and its picture has 84 px
INSIDE = {"x": 52, "y": 62, "width": 84, "height": 42}
ELSEWHERE = {"x": 0, "y": 200, "width": 5, "height": 3}
BOXES = {"ada": [52, 62, 84, 42], "bob": [0, 200, 5, 3]}
PIXELS = {"ada": [21.0, 21.0, 42.0, 21.0], "bob": [-5.0, 90.0, 2.5, 1.5]}
NOWHERE: dict[str, Any] = {"x": None, "y": None, "width": None, "height": None}


def looked(labels: Labels) -> None:
    """Two raters who judge one completion in every way and mark where it should have looked; one
    who took it back."""
    with labels.database.session() as session:
        one, other = labels.reading(session, "s", 1, RIGHT, WRONG)
        for who, box in (("ada", INSIDE), ("bob", ELSEWHERE), ("cy", INSIDE)):
            labels.verdict(session, who, one, "correct")
            labels.verdict(session, who, other, "unsure")
            labels.prefer(session, who, one, other, "left")
            labels.say(session, who, one, "labels", absences=[], steps=[])
            labels.say(session, who, one, "evidence", **box)
        labels.say(session, "cy", one, "evidence", **NOWHERE)
        labels.say(session, "cy", other, "edited_trace", edited_steps=[], edited_text=EDITED)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_row_has_its_own_raters_boxes(labels: Labels, load: Loads, name: str) -> None:
    looked(labels)
    names = {rater_name(account): who for who, account in labels.people.items()}
    found = rows(load(labels, name))
    told = {names[row["raters"][0]]: row for row in found if row.get("source") != "edited_trace"}
    assert set(told) == {"ada", "bob", "cy"}
    assert told["cy"]["evidence"] == told["cy"]["evidence_pixels"] == []
    for who in ("ada", "bob"):
        assert told[who]["evidence"] == [BOXES[who]]
        assert told[who]["evidence_pixels"] == [PIXELS[who]]
    for row in found:
        if row.get("source") == "edited_trace":
            assert row["evidence"] == []


def test_raters_who_agree_bring_all_their_boxes(labels: Labels, load: Loads) -> None:
    looked(labels)
    (row,) = rows(load(labels, "unpaired", rule=Rule("majority")))
    by_name = sorted(("ada", "bob"), key=lambda who: rater_name(labels.people[who]))
    assert row["evidence"] == [BOXES[who] for who in by_name]


def test_the_card_counts_them(labels: Labels, filled: Labels, tmp_path: Path) -> None:
    looked(labels)
    made = {}
    for each, folder in ((labels, "some"), (filled, "none")):
        tally = export(
            each.database, each.blobs, ExportPlan(FORMATS["unpaired"]), tmp_path / folder
        )
        made[folder] = (tally.with_evidence, (tmp_path / folder / "README.md").read_text())
    assert made["some"][0] == 2
    assert "2 of 3 rows have boxes drawn by their raters" in made["some"][1]
    assert made["none"][0] == 0
    assert "No rater of these rows marked" in made["none"][1]
