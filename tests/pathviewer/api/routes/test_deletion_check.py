"""The deletion check over HTTP."""

from __future__ import annotations

import pytest

from tests.asking import Clients, asked_id, heard


def test_a_check_is_made_and_kept_with_the_answer(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, question="Where is it?")
    heard(client, reading)
    path = f"/api/readings/{reading}/completions/0/deletion"
    made = client.post(path, json={}).raise_for_status().json()
    assert made["passage"] == "all"
    assert made["as_is"] >= made["blanked"]
    assert made["sentence"]
    assert made["random_mean"] <= max(made["random_masked"])
    answer = client.post(path, json={"passage": "answer"}).raise_for_status().json()
    step = client.post(path, json={"passage": "step 2"}).raise_for_status().json()
    assert step["sentence"].startswith("This step")
    (completion,) = client.get(f"/api/readings/{reading}").json()["completions"]
    assert completion["deletion"] == [made, answer, step]


@pytest.mark.parametrize(
    ("body", "index", "status"),
    [
        ({"passage": "step 99"}, 0, 400),
        ({"passage": 5}, 0, 400),
        ({}, 7, 404),
    ],
)
def test_what_cannot_be_checked_is_refused(
    clients: Clients, body: dict[str, object], index: int, status: int
) -> None:
    client = clients["ada"]
    reading = asked_id(client, question="Where is it?")
    heard(client, reading)
    path = f"/api/readings/{reading}/completions/{index}/deletion"
    assert client.post(path, json=body).status_code == status


def test_an_answer_that_is_cut_off_or_kept_back_or_anothers_is_not_checked(
    clients: Clients,
) -> None:
    client = clients["ada"]
    cut = asked_id(client, sampling={"max_new_tokens": 10})
    blind = asked_id(client, blind=True)
    heard(client, cut)
    heard(client, blind, until="first_answer_wanted")
    answers = {
        name: client.post(f"/api/readings/{reading}/completions/0/deletion", json={})
        for name, reading in (("cut", cut), ("blind", blind))
    }
    assert answers["cut"].status_code == 400
    assert "needs an answer" in answers["cut"].json()["error"]["message"]
    assert answers["blind"].status_code == 404
    path = f"/api/readings/{cut}/completions/0/deletion"
    assert clients["bob"].post(path, json={}).status_code == 404
