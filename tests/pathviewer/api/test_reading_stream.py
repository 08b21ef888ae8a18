"""Who hears a reading for how long."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pathviewer.api import question_events
from pathviewer.questions.run import QuestionRun
from pathviewer.server.application import build_app, open_services
from pathviewer.settings import Settings
from tests.asking import accounts, asked_id, asking_settings
from tests.servers import running, serving

SLOWLY = """
seconds_per_token = 0.05
[[answer]]
texts = ["<think>Step 1: {long}</think><answer>late</answer>"]
""".replace("{long}", "It goes on and on. " * 200)


@pytest.fixture
def settings(tmp_path: Path, small_phantom: Path) -> Settings:
    """An answer that takes a minute."""
    script = tmp_path / "script.toml"
    script.write_text(SLOWLY, encoding="utf-8")
    settings = asking_settings(tmp_path, small_phantom, model=f"scripted:{script}")
    accounts(settings)
    return settings


@contextmanager
def logged_in(base: str) -> Iterator[httpx.Client]:
    """A tab of ada's, with a login of its own."""
    with httpx.Client(base_url=base, headers={"Origin": base}, timeout=20) as tab:
        form = {"name": "ada", "password": "correct horse battery"}
        assert tab.post("/login", data=form).status_code == 303
        yield tab


def kinds(answer: httpx.Response) -> Iterator[str]:
    """Types of the events of a stream."""
    for line in answer.iter_lines():
        if line.startswith("data:"):
            yield str(json.loads(line[5:])["type"])


@pytest.mark.long
def test_a_stream_ends_with_the_login(settings: Settings) -> None:
    with running(settings) as base, logged_in(base) as tab, logged_in(base) as other:
        reading = asked_id(tab)
        path = f"/api/readings/{reading}/events"
        with tab.stream("GET", path) as answer:
            heard = kinds(answer)
            assert "text" in heard
            cookies = dict(tab.cookies)
            httpx.post(f"{base}/logout", headers={"Origin": base}, cookies=cookies)
            left = time.monotonic()
            assert "done" not in set(heard)
        assert time.monotonic() - left < 5
        assert tab.get(f"/api/readings/{reading}").status_code == 401
        with other.stream("GET", path) as answer:  # another login of the same account goes on
            assert "text" in kinds(answer)
        other.post(f"/api/readings/{reading}/stop").raise_for_status()


@contextmanager
def followed(settings: Settings, **given: object) -> Iterator[tuple[QuestionRun, httpx.Client]]:
    """The run of a question that was asked in a tab."""
    services = open_services(settings)
    with serving(build_app(services)) as base, logged_in(base) as tab:
        run = services.questions.find_run(asked_id(tab, **given))
        assert run is not None
        yield run, tab
        tab.post(f"/api/readings/{run.id}/stop").raise_for_status()


@pytest.mark.long
def test_events_wake_a_stream_which_is_forgotten_with_its_client(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_events, "WAIT_SECONDS", 3600)  # nothing but a wake ends a wait
    with followed(settings) as (run, tab):
        path = f"/api/readings/{run.id}/events"
        with tab.stream("GET", path) as left, tab.stream("GET", path) as stayed:
            heard = kinds(left), kinds(stayed)
            for each in heard:
                assert "text" in each
                assert "text" in each
            assert len(run.listeners) == 2
            left.close()
            until = time.monotonic() + 20
            while len(run.listeners) > 1:
                assert time.monotonic() < until
                time.sleep(0.01)
            tab.post(f"/api/readings/{run.id}/stop").raise_for_status()
            assert list(heard[1])[-1] == "done"
        assert len(run.listeners) == 0


def test_a_withheld_text_is_silence_and_comes_with_the_first_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_events, "WAIT_SECONDS", 3600)
    monkeypatch.setattr(question_events, "KEEPALIVE_SECONDS", 0.2)
    with followed(settings, blind=True) as (run, tab):
        path = f"/api/readings/{run.id}"
        with tab.stream("GET", f"{path}/events") as answer:
            lines = answer.iter_lines()
            before = list(iter(lambda: next(lines), ": still here"))
            assert not any('"text"' in line for line in before)
            assert any('"first_answer_wanted"' in line for line in before)
            tab.post(f"{path}/first-answer", json={"answer": "low"}).raise_for_status()
            assert any('"text"' in line for line in lines)
