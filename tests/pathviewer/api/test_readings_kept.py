"""Readings after the server was closed and started again."""

from __future__ import annotations

import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from pathviewer.settings import Settings
from storage.database import open_database
from storage.questions.records import NewQuestion
from storage.questions.store import add_question, find_question
from storage.user_messages import QUESTION_INTERRUPTED
from tests.asking import accounts, asked, asked_id, asking, asking_settings, heard
from tests.database_trouble import FULL, READ_ONLY, database_trouble

SLOWLY = """
seconds_per_token = 0.05
[[answer]]
asked = "slow"
texts = ["<think>Step 1: {long}</think><answer>late</answer>"]
[[answer]]
asked = "wide"
texts = ["<think>Step 1: {wide}</think><answer>wide</answer>"]
[[answer]]
texts = [
  "<think>Step 1: The upper left is open.</think><answer>A</answer>",
  "<think>Step 1: It is dense.</think><answer>B</answer>",
]
[[answer.look]]
words = "upper left"
area = [0, 0, 0.5, 0.5]
""".replace("{long}", "It goes on and on. " * 200).replace("{wide}", f"{'wide' * 400} " * 10)


def told(client: httpx.Client, reading: str) -> dict[str, Any]:
    """Everything that is told of a reading."""
    base = f"/api/readings/{reading}"
    found: dict[str, Any] = {"reading": client.get(base).raise_for_status().json()}
    found["picture"] = client.get(f"{base}/picture.png").raise_for_status().content
    found["maps"] = client.get(f"{base}/completions/0/maps").raise_for_status().json()
    return found


def left_running(settings: Settings, reading: str) -> str:
    """A copy of a reading as a program that is killed leaves it; its id."""
    database = open_database(settings.database)
    with database.session() as session:
        record = find_question(session, reading)
        same = {field.name: getattr(record, field.name) for field in fields(NewQuestion)}
        left = add_question(session, NewQuestion(**same)).id
    database.close()
    return left


@pytest.fixture
def settings(tmp_path: Path, small_phantom: Path) -> Settings:
    """Answers that take their time."""
    script = tmp_path / "script.toml"
    script.write_text(SLOWLY, encoding="utf-8")
    return asking_settings(tmp_path, small_phantom, model=f"scripted:{script}")


def test_readings_are_found_again_as_they_were(settings: Settings) -> None:
    tokens = accounts(settings)
    given = {
        "question": "Which?",
        "options": ["open", "dense"],
        "context": {"organ": "lung"},
        "sampling": {"temperature": 1, "seed": 4},
        "count": 2,
        "points": [[0, 0], [60, 0], [60, 40]],
        "paint_outside": True,
    }
    with asking(settings, tokens) as clients:
        ada = clients["ada"]
        reading = asked_id(ada, **given)
        heard(ada, reading)
        blind = asked_id(ada, blind=True)
        heard(ada, blind, until="first_answer_wanted")
        before = told(ada, reading)
        cut = asked_id(ada, question="slow")
        heard(ada, cut, until="text")
    assert before["reading"]["agreement"]
    killed = left_running(settings, reading)
    with asking(settings, tokens) as clients:
        ada = clients["ada"]
        assert told(ada, reading) == before
        assert clients["bob"].get(f"/api/readings/{reading}").status_code == 404
        kinds = [event["type"] for _, event in heard(ada, reading, last=57)]
        assert kinds == ["started", "ended", "ended", "maps", "maps", "done"]
        for ended in (cut, killed):
            failed = ada.get(f"/api/readings/{ended}").json()
            assert (failed["state"], failed["error"]) == ("failed", QUESTION_INTERRUPTED)
        rows = ada.get("/api/readings").json()[1:]
        assert [row["id"] for row in rows] == [cut, blind, reading]
        assert rows[-1]["answers"] == ["A", "B"]
        assert [row["answers"] for row in rows[:2]] == [[], []]
        older = ada.get(f"/api/readings?limit=1&before={blind}").json()
        assert [row["id"] for row in older] == [reading]
        assert ada.get("/api/readings?before=none").status_code == 404


@pytest.mark.long
def test_a_blind_reading_waits_for_the_answer_over_a_restart(settings: Settings) -> None:
    tokens = accounts(settings)
    with asking(settings, tokens) as clients:
        reading = asked_id(clients["ada"], blind=True)
        heard(clients["ada"], reading, until="first_answer_wanted")
        database = open_database(settings.database)
        for _ in range(200):
            with database.read_only() as session:
                if find_question(session, reading).state == "done":
                    break
            threading.Event().wait(0.05)
        database.close()
    with asking(settings, tokens) as clients:
        ada = clients["ada"]
        shown = ada.get(f"/api/readings/{reading}").json()
        assert (shown["completions"], shown["state"]) == ([], "running")
        assert ada.get(f"/api/readings/{reading}/completions/0/maps").status_code == 404
        answer = threading.Timer(
            0.3, ada.post, [f"/api/readings/{reading}/first-answer"], {"json": {"answer": "B"}}
        )
        answer.start()
        kinds = [event["type"] for _, event in heard(ada, reading)]
        assert kinds == ["started", "first_answer_wanted", "ended", "maps", "done"]
        answer.join()
        path = f"/api/readings/{reading}/first-answer"
        assert ada.post(path, json={"answer": "A"}).status_code == 409
    with asking(settings, tokens) as clients:
        assert clients["ada"].get(f"/api/readings/{reading}").json()["first_answer"] == "B"
        others = clients["eve"].get(f"/api/readings/{reading}").json()
        assert (others["first_answer"], others["completions"][0]["index"]) == (None, 0)


@pytest.mark.long
def test_the_same_again_needs_neither_slide_nor_memory(settings: Settings) -> None:
    tokens = accounts(settings)
    with asking(settings, tokens) as clients:
        reading = asked_id(clients["ada"], sampling={"temperature": 1, "seed": 5})
        heard(clients["ada"], reading)
        before = clients["ada"].get(f"/api/readings/{reading}").json()
    (settings.slides[0] / "a.tiff").unlink()
    with asking(settings, tokens) as clients:
        ada = clients["ada"]
        again = ada.post(f"/api/readings/{reading}/again").raise_for_status().json()["id"]
        heard(ada, again)
        after = ada.get(f"/api/readings/{again}").json()
        for name in ("prompt", "sampling", "box", "picture", "budget", "model_info", "quickhash"):
            assert after[name] == before[name], name
        assert after["slide"]["name"] == before["slide"]["name"]
        assert [one["text"] for one in after["completions"]] == [
            one["text"] for one in before["completions"]
        ]
        assert clients["bob"].post(f"/api/readings/{reading}/again").status_code == 404


@pytest.mark.long
def test_another_model_would_say_something_else(settings: Settings) -> None:
    tokens = accounts(settings)
    with asking(settings, tokens) as clients:
        reading = asked_id(clients["ada"])
        heard(clients["ada"], reading)
    other = settings.model_copy(update={"model": "pathviewer-r1-tiny"})
    with asking(other, tokens) as clients:
        answer = clients["ada"].post(f"/api/readings/{reading}/again")
        assert answer.status_code == 409
        assert "pathviewer-r1-tiny is running now" in answer.json()["error"]["message"]
        assert clients["ada"].get(f"/api/readings/{reading}").status_code == 200


@pytest.mark.long
@pytest.mark.parametrize(
    ("pragmas", "sentence"), [(READ_ONLY, "may not be written to"), (FULL, "disk of the database")]
)
def test_a_database_in_trouble_is_told_in_a_sentence(
    settings: Settings, pragmas: tuple[str, str], sentence: str
) -> None:
    tokens = accounts(settings)
    with database_trouble() as trouble, asking(settings, tokens) as clients:
        ada = clients["ada"]
        trouble.pragma = pragmas[0]
        question = "What is it? " * 300  # more than what is left of the last page
        answer = asked(ada, question=question)
        assert answer.status_code == 503
        assert sentence in answer.json()["error"]["message"]
        assert ada.get("/api/readings").json() == []
        trouble.pragma = pragmas[1]
        reading = asked_id(ada, question=f"{question} wide")
        heard(ada, reading, until="text")
        trouble.pragma = pragmas[0]
        events = [event for _, event in heard(ada, reading, until="failed")]
        assert [event["type"] for event in events][-2:] == ["text", "failed"]
        assert "</answer>" in events[-2]["text"]
        assert sentence in events[-1]["message"]
        trouble.pragma = pragmas[1]
        asked_id(ada)  # what could not be kept before is kept now
        told = ada.get(f"/api/readings/{reading}").json()
        assert (told["state"], told["completions"]) == ("failed", [])
    with asking(settings, tokens) as clients:
        told = clients["ada"].get(f"/api/readings/{reading}").json()
        assert sentence in told["error"]


@pytest.mark.long
def test_other_weights_would_say_something_else(settings: Settings) -> None:
    tokens = accounts(settings)
    with asking(settings, tokens) as clients:
        reading = asked_id(clients["ada"])
        heard(clients["ada"], reading)
    script = Path(settings.model.removeprefix("scripted:"))
    script.write_text(script.read_text(encoding="utf-8").replace("dense", "open"), encoding="utf-8")
    with asking(settings, tokens) as clients:
        for path in ("again", "completions/0/deletion"):
            answer = clients["ada"].post(f"/api/readings/{reading}/{path}", json={})
            assert answer.status_code == 409
            assert "The weights of" in answer.json()["error"]["message"]
