"""Questions: asked in every way, streamed, stopped, failed, seen, checked and reported."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from pathviewer.server.application import Services
from tests.golden.recorder import Recorder, events_of

BOX = {"x": 100, "y": 80, "width": 240, "height": 180}
OPTIONS = ["low", "high"]
SECONDS = 60.0
CONTEXT = {"organ": "lung", "specimen": "biopsy", "stain": "H&E", "history": "cough"}


def question(slide: str, **fields: Any) -> dict[str, Any]:
    """A question about one region."""
    return {"slide": slide, "box": BOX, "question": "What is it?", **fields}


def wait_until_ready(services: Services, client: httpx.Client, slides: int) -> None:
    """Until the model answers, and so many slides are listed."""
    until = time.monotonic() + SECONDS
    while services.engine.status().state != "ready" or len(list_slides(client)) < slides:
        assert time.monotonic() < until, services.engine.status()
        time.sleep(0.05)


def list_slides(client: httpx.Client) -> list[Any]:
    """The slides at this moment."""
    slides: list[Any] = client.get("/api/slides").raise_for_status().json()
    return slides


@contextmanager
def listening(client: httpx.Client, reading: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a question as they come."""
    path = f"/api/readings/{reading}/events"
    with client.stream("GET", path, timeout=SECONDS) as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data:"))
        yield (json.loads(line.removeprefix("data:")) for line in lines)


class Questions:
    """Asks, and waits until what was answered is in the database alone."""

    def __init__(self, recorder: Recorder, services: Services) -> None:
        self._recorder, self._services = recorder, services

    def ask(
        self, step: str, account: str, body: dict[str, Any], path: str = "/api/readings"
    ) -> str:
        """Ask a question and wait for its end; its id."""
        answer = self._recorder.ask(f"questions: {step}", account, "POST", path, 201, json=body)
        reading = str(answer.json()["id"])
        self.finish(account, reading)
        return reading

    def finish(self, account: str, reading: str) -> None:
        """Wait for the end of a question."""
        client = self._recorder.clients[account]
        with listening(client, reading) as events:
            for event in events:
                if event["type"] in ("done", "failed", "first_answer_wanted"):
                    break
        until = time.monotonic() + SECONDS
        while self._is_being_written(reading):
            assert time.monotonic() < until, reading
            time.sleep(0.01)

    def _is_being_written(self, reading: str) -> bool:
        """Whether it is; a blind one that has ended stays in memory until it is answered."""
        live = self._services.questions.find_run(reading)
        if live is None:
            return False
        record = live.snapshot.record
        return not (record.blind and record.state != "running" and not live.end_unsaved)


def tell_slow_questions(recorder: Recorder, services: Services, slide: str) -> dict[str, str]:
    """One heard token by token, one stopped, one cut off when the server is closed after this."""
    client, ids = recorder.clients["ada"], {}
    for name in ("streamed", "stopped", "cut off"):
        body = question(slide, question=f"Which is {name}?", sampling={"seed": 5})
        answer = recorder.ask(
            f"streams: ask {name}", "ada", "POST", "/api/readings", 201, json=body
        )
        ids[name] = reading = str(answer.json()["id"])
        with listening(client, reading) as events:
            if name == "streamed":
                history = list(events)
                last = max(len(event["text"]) for event in history if event["type"] == "ended")
                early = [
                    one for one in history if one["type"] != "attention" and not is_last(one, last)
                ]
                recorder.note("streams: hear every token", early)
                continue
            next(events)  # it has started, and writes its first token seconds later
            if name == "stopped":
                recorder.ask("streams: stop", "ada", "POST", f"/api/readings/{reading}/stop", 202)
                recorder.note("streams: hear the end", list(events))
    recorder.ask("streams: stop another's", "bob", "POST", f"/api/readings/{reading}/stop", 404)
    return ids


def is_last(event: dict[str, Any], length: int) -> bool:
    """Whether it is the whole text before its end, which a listener may hear or miss."""
    return event["type"] == "text" and len(event["text"]) == length


def tell_ended_questions(recorder: Recorder, ids: dict[str, str]) -> None:
    """The same after a restart: rows, and their streams made of rows."""
    ask = recorder.ask
    for name, reading in ids.items():
        one = f"/api/readings/{reading}"
        ask(f"streams: see {name}", "ada", "GET", one, 200)
        answer = recorder.clients["ada"].get(f"{one}/events", timeout=SECONDS)
        recorder.routes.note("GET", f"{one}/events", good=True)
        kind = {"content-type": answer.headers["content-type"]}
        kind["cache-control"] = answer.headers["cache-control"]
        recorder.note(f"streams: hear {name}", {"headers": kind, "events": events_of(answer)})
    ask("streams: hear another's", "bob", "GET", f"{one}/events", 404)
    ask("streams: report of a cut-off one", "ada", "GET", f"{one}/report.html", 200)
    stopped = f"/api/readings/{ids['stopped']}/completions/0/maps"
    ask("streams: maps of a stopped one", "ada", "GET", stopped, 404)
    ask("streams: ask other weights again", "ada", "POST", f"{one}/again", 409)


def tell_questions(recorder: Recorder, services: Services, slide: str) -> dict[str, str]:
    """Questions by one account; ids by what they show."""
    ask, asking = recorder.ask, Questions(recorder, services)
    for path in ("/api/model", "/api/questions"):
        ask(f"questions: {path}", "ada", "GET", path, 200)
        ask(f"questions: {path} as a stranger", "", "GET", path, 401)
    preview = f"/api/slides/{slide}/preview"
    outline = {"box": BOX, "points": [[120, 90], [300, 90], [200, 240]], "paint_outside": True}
    ask("questions: preview", "ada", "POST", preview, 200, json=outline | {"task": "cellularity"})
    ask("questions: preview of nothing", "ada", "POST", preview, 400, json={})
    ids = {
        "plain": asking.ask("ask", "ada", question(slide)),
        "options": asking.ask("ask with options", "ada", with_options(slide)),
        "several": asking.ask("ask for several answers", "ada", several_answers(slide)),
        "outline": asking.ask("ask about an outline", "ada", question(slide) | outline),
        "whole": asking.ask("ask about the whole slide", "ada", whole_slide(slide)),
        "blind": asking.ask("ask blind", "ada", question(slide, blind=True)),
        "other": asking.ask("ask as another", "bob", question(slide, question="Is it benign?")),
    }
    again = f"/api/readings/{ids['plain']}/again"
    ids["again"] = asking.ask("ask again", "ada", {}, again)
    tell_refused_questions(recorder, slide)
    return ids


def tell_refused_questions(recorder: Recorder, slide: str) -> None:
    """Questions that cannot be asked."""
    for step, status, body in (
        ("ask no slide", 400, {}),
        ("ask no region", 400, {"slide": slide, "question": "What?"}),
        ("ask no text", 400, question(slide, question=3)),
        ("ask too much", 400, question(slide, count=9)),
        ("ask at a wrong temperature", 400, question(slide, sampling={"temperature": 3})),
        ("ask of no slide", 404, question("none")),
        ("ask outside the slide", 400, question(slide, box=BOX | {"x": 9_999})),
    ):
        recorder.ask(f"questions: {step}", "ada", "POST", "/api/readings", status, json=body)
    recorder.ask("questions: ask as a viewer", "vic", "POST", "/api/readings", 403, json={})


def with_options(slide: str) -> dict[str, Any]:
    """A question with options, context, findings and a pixel budget."""
    more = {"options": OPTIONS, "context": CONTEXT, "task": "cellularity", "max_pixels": 50_176}
    return question(slide, question="How cellular is it?", **more)


def several_answers(slide: str) -> dict[str, Any]:
    """Two answers, drawn at a temperature."""
    return question(slide, count=2, sampling={"temperature": 0.7, "seed": 1, "max_new_tokens": 200})


def whole_slide(slide: str) -> dict[str, Any]:
    """All of the phantom."""
    return question(slide, box={"x": 0, "y": 0, "width": 2000, "height": 2000}, colours="raw")


def tell_answers(recorder: Recorder, ids: dict[str, str]) -> None:
    """What is kept of them: rows, pictures, maps, checks, reports."""
    ask = recorder.ask
    for name in ("plain", "options", "several", "outline", "whole", "blind", "again"):
        ask(f"questions: see {name}", "ada", "GET", f"/api/readings/{ids[name]}", 200)
    blind = f"/api/readings/{ids['blind']}"
    ask("questions: report before one's own answer", "ada", "GET", f"{blind}/report.html", 409)
    own = {"answer": "Benign", "confidence": 4}
    ask("questions: answer first", "ada", "POST", f"{blind}/first-answer", 200, json=own)
    ask("questions: answer twice", "ada", "POST", f"{blind}/first-answer", 409, json=own)
    ask("questions: see it answered", "ada", "GET", blind, 200)
    tell_kept_answers(recorder, f"/api/readings/{ids['plain']}", f"/api/readings/{ids['several']}")


def tell_kept_answers(recorder: Recorder, one: str, several: str) -> None:
    """What is kept of a question with one answer, and of one with several."""
    ask = recorder.ask
    ask("questions: history", "ada", "GET", "/api/readings?limit=3", 200)
    ask("questions: history as a viewer", "vic", "GET", "/api/readings", 403)
    ask("questions: see another's", "bob", "GET", one, 404)
    ask("questions: see another's as a researcher", "rex", "GET", one, 200)
    ask("questions: stop what has ended", "ada", "POST", f"{one}/stop", 202)
    ask("questions: ask another's again", "bob", "POST", f"{one}/again", 404)
    ask("questions: picture", "ada", "GET", f"{one}/picture.png", 200)
    ask("questions: picture of another's", "bob", "GET", f"{one}/picture.png", 404)
    ask("questions: maps", "ada", "GET", f"{one}/completions/0/maps", 200)
    ask(
        "questions: maps of tokens",
        "ada",
        "GET",
        f"{several}/completions/1/maps?first=0&stop=3",
        200,
    )
    ask("questions: maps of no tokens", "ada", "GET", f"{one}/completions/0/maps?first=x", 400)
    check = f"{one}/completions/0/deletion"
    ask("questions: check an answer", "ada", "POST", check, 201, json={})
    ask("questions: check a passage", "ada", "POST", check, 400, json={"passage": "none"})
    ask("questions: see the check", "ada", "GET", one, 200)
    evidence = f"{one}/completions/0/evidence"
    ask("questions: evidence before it is found", "ada", "GET", evidence, 404)
    ask("questions: find the evidence", "ada", "POST", evidence, 200, json={})
    ask("questions: evidence of words", "ada", "GET", f"{evidence}?first=1&stop=3", 200)
    ask("questions: evidence of no words", "ada", "POST", evidence, 400, json={"first": 1})
    ask("questions: report", "ada", "GET", f"{one}/report.html", 200)
