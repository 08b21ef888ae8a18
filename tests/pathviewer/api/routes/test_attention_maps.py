"""Where a completion looked, over HTTP."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from tests.asking import Clients, asked_id, heard
from tests.long_cases import long_cases

WHERE = "Where is it? <b>locate</b>"


def kinds(events: list[tuple[int, dict[str, object]]]) -> list[object]:
    return [event["type"] for _, event in events]


def test_the_newest_step_glows_and_the_maps_follow_the_answer(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, question=WHERE)
    told = heard(client, reading)
    glows = [event for _, event in told if event["type"] == "attention"]
    assert glows
    newest = glows[-1]
    values = np.frombuffer(base64.b64decode(newest["values"]), np.uint8)
    assert values.size == newest["rows"] * newest["columns"]
    assert values.max() == 255
    names = kinds(told)
    assert names[-4:] == ["ended", "comparing", "maps", "done"]
    # whoever comes late hears no map that has been outdone
    late = kinds(heard(client, reading))
    assert late == ["started", "ended", "maps", "done"]


def test_maps_are_where_the_script_looks(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, question=WHERE)
    heard(client, reading)
    path = f"/api/readings/{reading}/completions/0/maps"
    told = client.get(path).raise_for_status().json()
    assert [one["name"] for one in told["passages"]][-2:] == ["answer", "all"]
    shape = (len(told["passages"]), told["layers"], told["rows"], told["columns"])
    maps = np.frombuffer(base64.b64decode(told["values"]), np.uint8).reshape(shape)
    last = maps[-2, -1]  # the last layer looks nowhere but in the lower right
    assert last[-1, -1] == 255
    assert last[: told["rows"] // 2, : told["columns"] // 2].max() == 0
    assert told["neutral"]["peaks"]
    words = client.get(f"{path}?first=2&stop=4").raise_for_status().json()
    assert [one["name"] for one in words["passages"]] == ["tokens"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?first=4&stop=4", 400),
        *long_cases(
            ("?first=0", 400),  # where to?
            ("?first=-1&stop=2", 400),
            ("?first=0&stop=99999", 400),
            ("?first=٣&stop=4", 400),  # a digit, but not ours
        ),
    ],
)
def test_tokens_out_of_range_are_refused(clients: Clients, query: str, status: int) -> None:
    client = clients["ada"]
    reading = asked_id(client)
    heard(client, reading)
    answer = client.get(f"/api/readings/{reading}/completions/0/maps{query}")
    assert answer.status_code == status


def test_maps_are_the_authors_alone_and_kept_back_from_a_blind_one(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, blind=True)
    told = heard(client, reading, until="first_answer_wanted")
    assert not {"attention", "maps", "comparing"} & set(kinds(told))
    path = f"/api/readings/{reading}/completions/0/maps"
    assert client.get(path).status_code == 404
    client.post(f"/api/readings/{reading}/first-answer", json={"answer": "none"}).raise_for_status()
    assert kinds(heard(client, reading))[-2:] == ["maps", "done"]
    assert client.get(path).status_code == 200
    assert clients["bob"].get(path).status_code == 404
    assert client.get(path.replace("/0/", "/1/")).status_code == 404
    assert client.get(path.replace("/0/", "/x/")).status_code == 400


def test_an_answer_that_was_stopped_has_maps_of_what_is_there(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client)
    heard(client, reading, until="attention")
    client.post(f"/api/readings/{reading}/stop").raise_for_status()
    heard(client, reading)
    told = client.get(f"/api/readings/{reading}/completions/0/maps").raise_for_status().json()
    assert told["neutral"] is None
    assert told["passages"][-1]["name"] == "all"
