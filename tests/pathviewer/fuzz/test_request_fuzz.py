"""Random requests do nothing to the server; the report says so, and says when they do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import httpx
import pytest
import schemathesis
from typer.testing import CliRunner

from pathviewer.commands.main import app
from pathviewer.commands.openapi import build_document
from pathviewer.fuzz.program import FuzzError
from pathviewer.fuzz.random_requests import MOST_TARGET, Caller, RandomRequest, RequestSource
from pathviewer.fuzz.request_findings import FAULTS, Findings, RequestFuzzReport, read_gauge
from pathviewer.fuzz.request_schema import extend_document

DOCUMENT = build_document()
LOCAL, STRANGER = Caller(None, is_known=True), Caller("wrong", is_known=False)
REQUEST = RandomRequest("GET", "/", (), b"", LOCAL)
COUNTS = dict.fromkeys(FAULTS, 0)
CLEAN = RequestFuzzReport(9, 0, {"200": 9}, 1, COUNTS, 0, {9: 100.0}, 1.0, ())
OURS = {"error": {"code": "not_found", "message": "There is nothing."}}
INFO = {
    "named_endpoints": {
        "/slides": {"parameters": []},
        "/ask": {"parameters": [{"parameter_name": "slide", "type": {"type": "string"}}]},
    }
}


@pytest.mark.long
def test_a_short_run_finds_nothing() -> None:
    run = CliRunner().invoke(app, ["fuzz", "requests", "--count", "400", "--json"])
    report = json.loads(run.stdout)
    assert report["faults"] == [], report["examples"]
    assert run.exit_code == 0
    assert sum(report["statuses"].values()) == 400
    assert {"200", "201", "400", "401", "403", "404", "405"} <= report["statuses"].keys()
    assert report["gradio_sessions"] > 0, "calls of Gradio's endpoints leave sessions"
    assert report["accepted"] >= 12, "requests pass the first look-up"


def drawn(seed: str, count: int = 200) -> list[RandomRequest]:
    """Requests to our routes and Gradio's, about one slide."""
    document = extend_document(DOCUMENT, [("get", "/ui/{file}")], INFO)
    source = RequestSource(seed, document, {"slide_id": ["A"], "slide": ["A"]}, [LOCAL, STRANGER])
    return list(islice(source, count))


@pytest.mark.long
def test_the_same_seed_makes_the_same_requests() -> None:
    made = [[replace(each, case=None) for each in drawn(seed)] for seed in ("1", "1", "2")]
    assert made[0] == made[1] != made[2]
    assert {each.caller for each in made[0]} == {LOCAL, STRANGER}


@pytest.mark.long
def test_requests_reach_many_operations_with_real_ids() -> None:
    requests = drawn("3", 800)
    labels = {each.case.operation.label for each in requests if each.case is not None}
    assert len(labels) > 50
    assert {label.split()[0] for label in labels} >= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    assert sum("/slides/A" in each.target or b'"slide": "A"' in each.body for each in requests) > 20


def test_no_target_is_longer_than_the_client_sends() -> None:
    source = RequestSource("1", DOCUMENT, {}, [LOCAL])
    long = replace(REQUEST, target="/x?" + "x" * 100_000, headers=(("accept", "*/*"),))
    assert {len(source._damage(long).target) for _ in range(9)} == {MOST_TARGET}


def answer(status: int, **content: Any) -> httpx.Response:
    """A response as the client gets it."""
    made = httpx.Response(status, request=httpx.Request("GET", "http://a/"), **content)
    made.elapsed = timedelta(seconds=1)
    return made


def test_what_a_fault_is() -> None:
    findings = Findings(["/srv/state"], DOCUMENT)
    stranger = replace(REQUEST, caller=STRANGER)
    findings.note(REQUEST, answer(200, html="page"))
    findings.note(REQUEST, answer(404, json=OURS))
    findings.note(REQUEST, answer(401, html="<form>"))
    findings.note(REQUEST, answer(503, json=OURS))
    findings.note(stranger, answer(401, json=OURS))
    findings.note(replace(stranger, target="/login?next=/"), answer(200, html="<form>"))
    # a target such as /../login, which is the login page
    findings.note(replace(stranger, target="/../login"), answer(429, html="<form>"))
    assert not any(findings.counts.values())
    findings.note(REQUEST, answer(500, json=OURS))
    findings.note(REQUEST, answer(200, text="in /srv/state/x"))
    findings.note(REQUEST, answer(404, json={"detail": "Not Found"}))
    findings.note(stranger, answer(200, json=[]))
    findings.note_unanswered(REQUEST, TimeoutError())
    kinds = {"server_errors", "leaked_paths", "other_shapes", "let_in", "unanswered"}
    assert {kind for kind, count in findings.counts.items() if count} == kinds
    assert len(findings.examples) == 5


@pytest.mark.parametrize(
    ("status", "content", "faults"),
    [
        (200, {"json": {"id": "x", "state": "running"}}, 1),
        (200, {"text": "no JSON"}, 1),
        (202, {"json": []}, 1),
        (200, {"json": []}, 0),
        (404, {"json": OURS}, 0),
    ],
)
def test_answers_conform_to_the_document(status: int, content: dict[str, Any], faults: int) -> None:
    findings = Findings([], DOCUMENT)
    case = schemathesis.openapi.from_dict(DOCUMENT)["/api/readings"]["GET"].Case()
    findings.note(replace(REQUEST, case=case), answer(status, **content))
    assert findings.counts["undocumented"] == faults, findings.examples


@pytest.mark.parametrize(
    ("ended", "owned", "unowned", "states", "faults"),
    [
        (0, 128, 0, 64, {}),
        (0, 129, 0, 64, {"excess_sessions": 1}),
        (0, 0, 0, 66, {"excess_sessions": 2}),
        (0, 3, 5, 0, {"unowned_sessions": 5}),
        (1, 0, 0, 0, {"ended_readers": 1}),
    ],
)
def test_what_the_metrics_say_after_the_run_is_a_fault(
    ended: int, owned: int, unowned: int, states: int, faults: dict[str, int]
) -> None:
    findings = Findings([], DOCUMENT)
    metrics = f"""
pathviewer_slide_readers{{kind="ended"}} {ended}.0
pathviewer_gradio_sessions{{kind="owned"}} {owned}.0
pathviewer_gradio_sessions{{kind="unowned"}} {unowned}.0
pathviewer_gradio_sessions{{kind="states"}} {states}.0
"""
    findings.note_metrics(metrics, owners=2)
    assert {kind: count for kind, count in findings.counts.items() if count} == faults
    assert findings.gradio_sessions == owned


def test_a_server_that_does_not_count_its_sessions_is_told() -> None:
    with pytest.raises(FuzzError, match="lack gradio_sessions of the kind owned"):
        read_gauge("", "gradio_sessions", "owned")


def test_each_fault_is_said() -> None:
    assert CLEAN.faults() == []
    for name in FAULTS:
        assert len(replace(CLEAN, counts=COUNTS | {name: 1}).faults()) == 1, name


def test_memory_that_grows_with_every_request_is_a_fault() -> None:
    filling = [300.0, 420.0, 460.0, 466.0, 468.0]
    assert grown(filling).faults() == []
    leaking = [300.0 + 20 * number for number in range(5)]
    assert grown(leaking).faults() == ["4.1 KiB a request were added to the server's memory."]


def test_too_few_rounds_do_not_judge_the_memory() -> None:
    assert grown([300.0, 420.0, 460.0]).growth_kib() == 0
    assert grown([300.0, 420.0, 460.0, 470.0]).growth_kib() == 5.12


def grown(resident: list[float]) -> RequestFuzzReport:
    """A report with this memory after each round."""
    rounds = {5_000 * number: mib for number, mib in enumerate(resident, 1)}
    return replace(CLEAN, resident_mib=rounds)
