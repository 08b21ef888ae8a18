"""wrk's figures are those of the server, and a failed request is no figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from pathviewer.bench.load import LoadError, Walk
from pathviewer.bench.tiles import CONNECTIONS, _against_all, _report, _table
from pathviewer.bench.tiles_servers import limit_app, peer, serve_app
from pathviewer.bench.tiles_slides import shelve
from tests import slide_files


def test_a_walk_goes_on_where_it_ended() -> None:
    with serve_app(limit_app, 100) as server:
        walk = Walk(server.base, [f"/{number}" for number in range(7)])
        load = walk.run(2, 1)
        assert load.requests_per_s > 100
        assert 0 < load.p50_ms <= load.p95_ms
        assert 0 <= walk.start < 7
        assert server.rss_mib > 10


def test_failed_requests_are_no_figures(tmp_path: Path) -> None:
    slide = slide_files.write_ycbcr(tmp_path / "x.tiff")
    with serve_app(peer, slide) as server, pytest.raises(LoadError, match="requests failed"):
        Walk(server.base, ["/nothing"]).run(1, 1)


def test_a_missing_wrk_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LoadError, match="apt-get install wrk"):
        Walk("http://127.0.0.1:9", ["/"]).run(1, 1)


@pytest.mark.long
def test_our_tiles_are_measured_against_both(small_phantom: Path, tmp_path: Path) -> None:
    loads, cpu = _against_all(shelve(small_phantom, tmp_path / "shelf"), tmp_path / "data", 1, 1)
    assert {kind for kind, _ in loads} == {"ours", "limit", "peer"}
    assert {count for _, count in loads} == set(CONNECTIONS)
    report = _report(loads, loads, 0.0)
    assert cpu.own_us > 0
    assert cpu.ratio > 0
    assert report["requests_per_s"] > report["peer_requests_per_s"]
    assert "this program" in "\n".join(_table(loads, "JPEG"))
