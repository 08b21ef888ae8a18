"""The server's model starts beside the pages, fails beside them, and ends with them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from models.engines.worker.engine import WorkerEngine
from models.engines.worker.messages import EngineSpec
from models.errors import ModelError
from models.messages import CompletionEnd, GenerateRequest, Prompt
from pathviewer.commands.doctor_model import model
from pathviewer.questions.engine import EngineService
from pathviewer.server.application import build_app, open_services
from pathviewer.settings import Settings
from tests.models.engines.worker.test_engine import ENGINE, tiny
from tests.servers import running


def model_of(client: httpx.Client | TestClient) -> dict[str, Any]:
    """What the server says of its model."""
    found: dict[str, Any] = client.get("/api/health").json()["model"]
    return found


def wait_until_ready(client: httpx.Client | TestClient) -> None:
    """Wait for the model; the server answers all the while."""
    until = time.monotonic() + 30
    while (found := model_of(client))["state"] != "ready":
        assert found["state"] == "starting", found
        assert time.monotonic() < until
        time.sleep(0.02)


def test_pages_outlive_a_killed_model(state: Path, small_phantom: Path) -> None:
    settings = Settings(data=state, slides=(small_phantom.parent,), model="tiny")
    opened: list[WorkerEngine] = []

    def open_slow(*_: str, **__: Any) -> WorkerEngine:
        opened.append(tiny(load="slow 0.5"))
        return opened[0]

    engine = EngineService(settings, open_slow)
    app = build_app(replace(open_services(settings), engine=engine))
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        assert model_of(client)["state"] == "starting"  # pages do not wait for the model
        (backend,) = opened
        slide = client.get("/api/slides").json()[0]["id"]
        tile = client.get(f"/api/slides/{slide}/tiles/0/0/0").content
        wait_until_ready(client)
        assert model_of(client)["loaded"]["name"] == "tiny"
        before = backend.process_id
        assert before is not None
        os.kill(before, signal.SIGKILL)
        while model_of(client)["state"] == "ready":
            time.sleep(0.005)
        assert "SIGKILL" in model_of(client)["sentence"]
        assert model_of(client)["loaded"] is None
        assert client.get("/").status_code == 200
        assert client.get(f"/api/slides/{slide}/tiles/0/0/0").content == tile
        wait_until_ready(client)
        assert backend.process_id not in (None, before)
    assert backend.status().state == "stopped"


@pytest.mark.long
def test_a_script_is_ready_at_once(state: Path) -> None:
    settings = Settings(data=state, model="scripted")
    with running(settings) as base, httpx.Client(base_url=base) as client:
        found = model_of(client)
    assert found["state"] == "ready"
    assert found["loaded"]["name"] == "scripted"
    assert "no model" in found["sentence"]


@pytest.mark.parametrize(
    ("name", "state_", "words"),
    [
        ("none", "stopped", "PATHVIEWER_MODEL"),
        ("no such model", "failed", "no such model"),
        ("scripted:~nosuchuser/x.toml", "failed", "nosuchuser"),
    ],
)
def test_without_a_model_it_says_why(name: str, state_: str, words: str) -> None:
    engine = EngineService(Settings(model=name))
    engine.start()
    assert engine.status().state == state_
    assert words in engine.status().sentence
    with pytest.raises(ModelError, match=words):
        _ = engine.engine
    engine.close()


def test_the_log_says_once_that_the_model_cannot_be_loaded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = EngineSpec("tiny", ENGINE, "TinyEngine", {"load": "refuse"})

    def open_refusing(*_: str, report: Callable[[str], None], **__: str) -> WorkerEngine:
        return WorkerEngine(spec, report=report)

    engine = EngineService(Settings(model="tiny"), open_refusing)
    engine.start()
    assert engine.wait_while_loading(60).state == "failed"
    engine.close()
    (record,) = caplog.records
    assert "cut off" in record.message


def test_the_backend_answers() -> None:
    engine = EngineService(Settings(model="scripted"))
    engine.start()
    *_, end = engine.engine.generate(GenerateRequest("r", Prompt("What is it?")))
    engine.close()
    assert isinstance(end, CompletionEnd)
    assert engine.status().state == "stopped"


@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("scripted", "ok", "Loading took"),
        ("none", "note", "without it"),
        ("/nowhere/at/all", "note", "without it"),
    ],
)
def test_doctor_says_what_could_be_loaded(name: str, verdict: str, words: str) -> None:
    (check,) = model(Settings(model=name))
    assert check.verdict == verdict
    assert words in check.sentence


def test_a_fault_that_quotes_a_file_of_any_length_is_said_in_short(state: Path) -> None:
    def open_broken(*_: str, **__: Any) -> WorkerEngine:
        raise ModelError("This index is no JSON: " + "x" * 10_000_000)

    engine = EngineService(Settings(data=state, model="tiny"), open_broken)
    app = build_app(replace(open_services(Settings(data=state, model="tiny")), engine=engine))
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        for path in ("/api/health", "/api/model"):
            answer = client.get(path)
            assert "This index is no JSON" in answer.text
            assert len(answer.content) < 5_000
        box = {"x": 0, "y": 0, "width": 9, "height": 9}
        refused = client.post(
            "/api/readings",
            json={"slide": "x", "box": box, "question": "Is it benign?"},
            headers={"origin": "http://127.0.0.1:7860"},
        )
        assert refused.status_code == 503
        assert len(refused.content) < 5_000
