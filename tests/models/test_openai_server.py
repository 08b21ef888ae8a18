"""The local endpoint over real HTTP: the protocol's shapes, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from pydantic import HttpUrl

from models.engines.base import EngineStatus
from models.engines.local.engine import LocalEngine
from models.errors import ModelError, OutOfMemoryError, WorkerError
from models.judges.base import JudgeInput
from models.judges.endpoint_judge import EndpointJudge
from models.judges.request import JudgeEndpoint
from models.messages import Event, GenerateRequest, GenerationStart, Prompt
from models.openai_server import LONGEST_QUEUE, endpoint_app
from models.registry import DEFAULT_MODEL, resolve_model
from models.reward import EVENTS
from tests.models.asgi_server import served
from tests.models.backend_with_answers import INFO, AnsweringBackend

client = httpx2.Client()
TRACE = "<think>\n1. Glands are seen.\n</think>\n<answer>A</answer>"


def uri(width: int = 60, height: int = 40, kind: str = "PNG") -> str:
    """A picture in a data URI."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "pink").save(out, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def shown(url: str) -> dict[str, Any]:
    """A picture as a part of a message."""
    return {"type": "image_url", "image_url": {"url": url, "detail": "high"}}


def chat(*parts: Any, **changed: Any) -> dict[str, Any]:
    """A request with one question."""
    content = [{"type": "text", "text": "What is it?"}, *parts]
    return {"model": "by-function", "messages": [{"role": "user", "content": content}]} | changed


def answering(prompt: Prompt) -> str | ModelError:
    """A Backend's answer, decided by the question."""
    errors: dict[str, ModelError] = {
        "memory": OutOfMemoryError("Too large a question."),
        "ended": WorkerError("The model is being started again."),
        "other": ModelError("Something else."),
    }
    return errors.get(prompt.text, f"{len(prompt.images)} pictures, {prompt.system}")


@pytest.fixture(scope="module")
def backend() -> AnsweringBackend:
    return AnsweringBackend(answering)


@pytest.fixture(scope="module")
def base(backend: AnsweringBackend) -> Iterator[str]:
    with served(endpoint_app(backend, "by-function", system="Look well.")) as url:
        yield url


def test_a_completion_in_the_protocol_s_shape(base: str, backend: AnsweringBackend) -> None:
    body = chat(
        shown(uri()), shown(uri(kind="JPEG")), temperature=0, max_tokens=7, seed=3, user="x"
    )
    reply = client.post(f"{base}/v1/chat/completions", json=body).raise_for_status().json()
    (choice,) = reply["choices"]
    assert reply["object"] == "chat.completion"
    assert choice["message"] == {"role": "assistant", "content": "2 pictures, Look well."}
    assert choice["finish_reason"] == "stop"
    assert reply["usage"] == {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    asked = backend.asked[-1]
    assert (asked.sampling.temperature, asked.sampling.max_new_tokens, asked.sampling.seed) == (
        0,
        7,
        3,
    )
    assert (asked.prompt.images[0].box.width, asked.prompt.images[0].box.height) == (60, 40)
    assert not asked.attention
    models = client.get(f"{base}/v1/models").json()["data"]
    assert [model["id"] for model in models] == ["by-function"]


def test_a_system_message_takes_the_place_of_the_model_s_own(base: str) -> None:
    system = [{"role": "system", "content": "Be brief."}]
    body = chat(messages=[*system, {"role": "user", "content": "Hm?"}])
    reply = client.post(f"{base}/v1/chat/completions", json=body).json()
    assert reply["choices"][0]["message"]["content"] == "0 pictures, Be brief."


USER = {"role": "user", "content": "?"}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (chat(model="gpt-x"), 404, "by-function"),
        (chat(messages=[]), 400, "messages"),
        (chat(messages=[USER, USER]), 400, "one question at a time"),
        (chat(messages=[{"role": "system", "content": "?"}]), 400, "one question at a time"),
        (chat(messages=[{"role": "assistant", "content": "?"}, USER]), 400, "messages.0.role"),
        (chat(shown("https://example.org/a.png")), 400, "none is fetched"),
        (chat(shown("file:///etc/passwd")), 400, "none is fetched"),
        (chat(shown("data:image/png;base64,@@")), 400, "base64"),
        (chat(shown("data:image/png;base64,aGVsbG8=")), 400, "cannot be read"),
        (chat({"type": "image_url"}), 400, "none is fetched"),
        (chat({"type": "input_audio"}), 400, "type"),
        (chat(*[shown(uri(28, 28))] * 17), 400, "at most 16"),
        (chat(temperature=3), 400, "temperature"),
        (chat(temperature="warm"), 400, "temperature"),
        (chat(max_tokens=0), 400, "max_tokens"),
        (chat(n=100), 400, "n: "),
        (chat(stream=True), 400, "stream"),
        (chat(tools=[{}]), 400, "tools"),
        (chat(messages=[{"role": "user", "content": "memory"}]), 503, "Too large a question."),
        (chat(messages=[{"role": "user", "content": "ended"}]), 503, "started again"),
        (chat(messages=[{"role": "user", "content": "other"}]), 500, "Something else."),
        ([], 400, "cannot be read"),
    ],
)
def test_what_cannot_be_answered_is_told(base: str, body: Any, status: int, told: str) -> None:
    reply = client.post(f"{base}/v1/chat/completions", json=body)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert told in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert ("retry-after" in reply.headers) == (status == 503)


def test_a_foreign_page_cannot_ask(base: str) -> None:
    url = f"{base}/v1/chat/completions"
    rebound = client.post(url, json=chat(), headers={"host": "evil.example"})
    assert rebound.status_code == 400
    plain = client.post(url, content=json.dumps(chat()), headers={"content-type": "text/plain"})
    assert plain.status_code == 415


def test_a_key_is_asked_for_where_there_is_one(backend: AnsweringBackend) -> None:
    with served(endpoint_app(backend, "by-function", key="sesame")) as base:
        assert client.get(f"{base}/v1/models").status_code == 401
        wrong = ("sesame", "Bearer other", "Bearer sésame")
        for told, status in [*((key, 401) for key in wrong), ("Bearer sesame", 200)]:
            headers = {b"authorization": told.encode()}
            assert client.get(f"{base}/v1/models", headers=headers).status_code == status


class BusyBackend(AnsweringBackend):
    """Has as many requests waiting as it is told."""

    waiting = LONGEST_QUEUE

    def status(self) -> EngineStatus:
        """As crowded as told."""
        return replace(super().status(), waiting=self.waiting)


def test_a_crowd_is_turned_away() -> None:
    with served(endpoint_app(BusyBackend(answering), "by-function")) as base:
        reply = client.post(f"{base}/v1/chat/completions", json=chat())
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "2")


class EndlessBackend(AnsweringBackend):
    """Writes until it is cancelled."""

    def __init__(self) -> None:
        super().__init__(answering)
        self.cancelled = threading.Event()

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Begin, and wait."""
        yield GenerationStart(request.request_id, (), 10, INFO)
        self.cancelled.wait(20)

    def cancel(self, request_id: str) -> None:  # noqa: ARG002 - there is but one
        """Stop."""
        self.cancelled.set()


def test_nothing_is_written_for_nobody() -> None:
    backend = EndlessBackend()
    with served(endpoint_app(backend, "by-function")) as base:
        with pytest.raises(httpx2.ReadTimeout):
            client.post(f"{base}/v1/chat/completions", json=chat(), timeout=0.5)
        assert backend.cancelled.wait(10)


def verdict_of(prompt: Prompt) -> str:
    """A judge's proper reply, as a large model would write it."""
    assert len(prompt.images) == 1
    assert json.loads(prompt.text)["trace"] == TRACE
    present = {"quote": "Glands are seen", "happened": False}
    absent = {"quote": "", "happened": True}
    found = {event: {"quote": "", "happened": False} for event in EVENTS}
    return json.dumps(
        found | {"missing_image_features": present}
        | {"missing_option_elimination": absent, "missing_knowledge": absent}
    )  # fmt: skip


def judged() -> JudgeInput:
    """A trace about a picture."""
    picture = Image.new("RGB", (56, 56), "pink")
    return JudgeInput(TRACE, "What is it?", ("adenocarcinoma", "other"), "A", images=(picture,))


def test_the_endpoint_judge_is_answered() -> None:
    with served(endpoint_app(AnsweringBackend(verdict_of), "judge")) as base:
        judge = EndpointJudge(JudgeEndpoint(url=HttpUrl(f"{base}/v1"), model="judge"))
        (verdict,) = judge.judge([judged()])
        judge.close()
    assert verdict
    assert verdict.reward == pytest.approx(0.6)
    assert judge.tally.prompt_tokens == 10


@pytest.mark.parametrize("name", ["mini", DEFAULT_MODEL])
def test_a_checkpoint_is_served_and_a_judge_that_babbles_is_not_believed(
    name: str, mini_checkpoint: Path
) -> None:
    folder = mini_checkpoint if name == "mini" else resolve_model(name).location
    assert folder is not None
    backend = LocalEngine(folder, name, device="cpu")
    try:
        with served(endpoint_app(backend, name)) as base:
            there = JudgeEndpoint(url=HttpUrl(f"{base}/v1"), model=name, max_tokens=16)
            judge = EndpointJudge(there)
            began = time.monotonic()
            assert judge.judge([judged()]) == [None]
            judge.close()
            body = chat(shown(uri(56, 56)), model=name, n=2, temperature=0, max_tokens=4)
            reply = client.post(f"{base}/v1/chat/completions", json=body, timeout=60).json()
    finally:
        backend.close()
    # cut off at 16 tokens or no JSON: neither an untrained network's words nor a trace is a verdict
    assert sum(judge.tally.abstained.values()) == 1
    assert set(judge.tally.abstained) <= {"reply cut off", "reply is no JSON"}
    assert judge.tally.requests == 1
    assert judge.tally.seconds <= time.monotonic() - began
    # the picture of 56 x 56 px went through the processor: 4 visual tokens beside the text
    assert [choice["index"] for choice in reply["choices"]] == [0, 1]
    assert reply["usage"]["prompt_tokens"] > 4
    assert 0 < reply["usage"]["completion_tokens"] <= 8
