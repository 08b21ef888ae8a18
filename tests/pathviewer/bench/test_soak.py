"""A short soak: the honest see no error, and what was acknowledged outlives the kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from pathviewer.bench.soak import SoakOptions, measure_soak, table

pytestmark = pytest.mark.long


def test_a_hostile_account_costs_the_honest_no_error(
    tmp_path: Path, state: Path, mini_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(state))
    options = SoakOptions(
        people=4,
        minutes=1 / 3,
        model=str(mini_checkpoint),
        slide_side=2048,
    )
    found = measure_soak(tmp_path / "soak", options)
    assert found.errors == 0, found.first_errors
    assert found.lost == 0
    assert found.acknowledged > options.people
    assert found.answer_p99_s > 0
    acts = {"large_bodies", "hostile_slides", "deletion_checks", "questions", "idle_sockets"}
    assert found.hostile.keys() - {"hostile_views"} == acts
    assert any(row.startswith("lost after the kill (aim 0)") for row in table(found))
