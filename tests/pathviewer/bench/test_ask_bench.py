"""The benchmark of asking runs the program as it is in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from pathviewer.bench.ask import measure_asking
from pathviewer.bench.idle_streams import measure_idle_streams

pytestmark = pytest.mark.long


def test_both_ways_are_measured(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(state))
    found = measure_asking("scripted", 1)
    assert 0 < found.first_event_s < found.answer_s < found.maps_s
    assert found.first_screen_s > 0


def test_idle_streams_are_measured(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(state))
    found = measure_idle_streams(40, 0.1)  # more than one account may follow by default
    assert found.streams == 40
    assert found.idle_percent >= 0
