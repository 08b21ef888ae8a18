"""Random requests do nothing to the server; the report says so, and says when they do."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from pathviewer.commands.main import app
from pathviewer.fuzz.random_requests import RandomRequest, RequestSource
from pathviewer.fuzz.request_fuzz import Findings, RequestFuzzReport

pytestmark = pytest.mark.long

REQUEST = RandomRequest("GET", "/", (), b"")
CLEAN = RequestFuzzReport(9, 0, {"200": 9}, 0, 0, 0, 0, 0, 100.0, 101.0, 1.0, ())
OURS = b'{"error":{"code":"not_found","message":"There is nothing."}}'


def test_a_short_run_finds_nothing() -> None:
    run = CliRunner().invoke(app, ["fuzz", "requests", "--count", "1500", "--json"])
    report = json.loads(run.stdout)
    assert report["faults"] == [], report["examples"]
    assert run.exit_code == 0
    assert sum(report["statuses"].values()) == 1500
    assert {"200", "400", "404", "405", "413", "414"} <= report["statuses"].keys()


def test_the_same_seed_makes_the_same_requests() -> None:
    routes = [("GET", "/a/{b}"), ("POST", "/gradio_api/call/{endpoint}")]
    made = [
        [source.request() for _ in range(300)]
        for source in (
            RequestSource(seed, routes, {"slide": "id"}, {"ask": ["slide"]}) for seed in (1, 1, 2)
        )
    ]
    assert made[0] == made[1] != made[2]
    assert all(request.target.isascii() for request in made[0])


def test_what_a_fault_is() -> None:
    findings = Findings(["/srv/state"])
    findings.note(REQUEST, 200, "text/html", b"page")
    findings.note(REQUEST, 404, "application/json", OURS)
    findings.note(REQUEST, 401, "text/html", b"<form>")
    findings.note(REQUEST, 503, "application/json", OURS)
    assert not findings.faults
    findings.note(REQUEST, 500, "application/json", OURS)
    findings.note(REQUEST, 200, "text/plain", b"in /srv/state/x")
    findings.note(REQUEST, 404, "application/json", b'{"detail":"Not Found"}')
    findings.note_unanswered(REQUEST, TimeoutError())
    assert set(findings.faults) == {"server_errors", "leaked_paths", "other_shapes", "unanswered"}
    assert len(findings.examples) == 4


def test_each_fault_is_said() -> None:
    assert CLEAN.faults() == []
    counts = ("server_errors", "tracebacks", "unanswered", "leaked_paths", "other_shapes")
    for name in counts:
        assert len(replace(CLEAN, **{name: 1}).faults()) == 1, name  # type: ignore[arg-type]
    assert replace(CLEAN, resident_after_mib=300.0).faults() == [
        "200 MiB were added to the server's memory."
    ]
