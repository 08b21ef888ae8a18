"""Evidence maps over HTTP."""

from __future__ import annotations

import threading

import httpx
import pytest

from models.errors import CancelledError
from models.evidence import EvidenceFinder
from models.messages import Completion
from models.occlusion import OcclusionRows
from pathviewer.evidence.archive import unpack_evidence
from tests.asking import Clients, asked_id, heard

PATH = "/api/readings/{}/completions/0/evidence"


def test_evidence_is_found_once_and_stored(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients["ada"]
    question = asked_id(client, question="Where is it?")
    heard(client, question)
    path = PATH.format(question)
    assert client.get(path).status_code == 404
    found = client.post(path, json={}).raise_for_status().json()
    cells = found["columns"] * found["rows"]
    names = [passage["name"] for passage in found["passages"]]
    assert names[-2:] == ["answer", "all"]
    assert (found["unit"], found["method"]["quick"]) == ("nats", False)
    for passage in found["passages"]:
        assert len(passage["losses"]) == cells
        test = passage["test"]
        assert test["claim"] in ("place", "region", "none")
        assert test["sentence"]
        assert len(test["cells"]) == max(1, round(cells / 10))
    monkeypatch.setattr("models.evidence.EvidenceFinder.occlude", None)
    assert client.post(path, json={}).raise_for_status().json() == found
    assert client.get(path).raise_for_status().json() == found


def test_words_have_a_map_at_once_and_a_test_on_request(clients: Clients) -> None:
    client = clients["ada"]
    question = asked_id(client, question="Where is it?")
    heard(client, question)
    path = PATH.format(question)
    body = {"first": 1, "stop": 3}
    tested = client.post(path, json=body).raise_for_status().json()
    (words,) = tested["passages"]
    assert (words["name"], words["first"], words["stop"]) == ("tokens", 1, 3)
    assert words["test"]["claim"]
    untested = client.get(path, params=body).raise_for_status().json()
    assert untested["passages"] == [words | {"test": None}]
    beyond = client.post(path, json={"first": 1, "stop": 9_999})
    assert beyond.status_code == 400
    assert "There is no evidence of tokens 1 to 9998" in beyond.json()["error"]["message"]
    assert client.post(path, json={"first": 1}).status_code == 400


def test_evidence_is_hidden_as_the_answer_is(clients: Clients) -> None:
    client = clients["ada"]
    blind = asked_id(client, blind=True)
    heard(client, blind, until="first_answer_wanted")
    path = PATH.format(blind)
    assert client.post(path, json={}).status_code == 404
    assert client.get(path).status_code == 404
    assert clients["bob"].post(path, json={}).status_code == 404


def test_a_damaged_archive_says_so() -> None:
    with pytest.raises(Exception, match="is damaged; ask again"):
        unpack_evidence(b"no archive")


def test_a_search_ends_when_its_client_leaves(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients["ada"]
    question = asked_id(client, question="Where is it?")
    heard(client, question)
    ended = threading.Event()

    def occlude(finder: EvidenceFinder, _: Completion) -> OcclusionRows:
        assert finder._cancelled.wait(20)
        ended.set()
        raise CancelledError("gone")

    path = PATH.format(question)
    with monkeypatch.context() as patch:
        patch.setattr(EvidenceFinder, "occlude", occlude)
        with pytest.raises(httpx.ReadTimeout):
            client.post(path, json={}, timeout=0.5)
        assert ended.wait(10)
    assert client.get(path).status_code == 404
    assert client.post(path, json={}, timeout=20).status_code == 200
