"""The deletion check over HTTP."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from models.control_figures import ControlFigures
from pathviewer.api.schemas.questions import DeletionCheckOut
from pathviewer.questions.question_json import deletion_check_json
from storage.questions.records import DeletionCheckRecord
from tests.asking import Clients, asked_id, heard

FIGURES = ControlFigures(1.0, 0.72, 1.0, 0.54, 0.45, 0.62, 30)


def test_a_check_is_made_and_kept_with_the_answer(clients: Clients) -> None:
    client = clients["ada"]
    reading = asked_id(client, question="Where is it?")
    heard(client, reading)
    path = f"/api/readings/{reading}/completions/0/deletion"
    made = client.post(path, json={}).raise_for_status().json()
    assert made["passage"] == "all"
    assert made["as_is"] >= made["blanked"]
    assert made["sentence"]
    assert made["random_mean"] <= max(made["random_masked"], default=made["as_is"])
    method = {"fill": "blur", "version": 2, "controls": None, "current": True}
    assert made["method"] == method  # a script has no controls
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


def test_a_check_of_an_earlier_version_says_so() -> None:
    values = {"passage": "all", "as_is": 0.9, "blanked": 0.1, "attended_masked": 0.2}
    check = DeletionCheckRecord(
        **values,  # type: ignore[arg-type]
        random_masked=[0.8],
        verdict="attended area mattered",
        sentence="It did.",
        fill="grey",
        version=1,
        controls=None,
        id="d",
        completion_id="c",
        account_id="a",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    old = deletion_check_json(check)["method"]
    assert old == {"fill": "grey", "version": 1, "controls": None, "current": False}
    measured = replace(check, fill="blur", version=2, controls=asdict(FIGURES))
    new = deletion_check_json(measured)
    assert new["method"]["current"]
    assert new["method"]["controls"] == asdict(FIGURES) | {"passed": True}
    assert DeletionCheckOut.model_validate(new).method.controls is not None
