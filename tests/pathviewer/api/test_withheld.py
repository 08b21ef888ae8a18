"""Nobody is told of another's judgment before his own, by no route, whatever his role.

Ada asks and judges; eve, an administrator, may see everybody's readings and judges too; ivy judges
nothing.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from storage.database import open_database
from tests.asking import Clients, accounts, asked_id, asking, asking_settings, heard

SECRETS = ("Ada's answer", "Ada's reason", "contradiction", "Rewritten by Ada")
"""What of ada's judgment would give it away."""


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Clients]:
    """The three."""
    settings = asking_settings(tmp_path_factory.mktemp("withheld"), small_phantom)
    tokens = accounts(settings)
    database = open_database(settings.database)
    with database.session() as session:
        add_user(session, "ivy", Role.researcher, "correct horse battery", rater=False)
        tokens["ivy"] = make_token(session, "ivy", "tests", 1)
    database.close()
    with asking(settings, tokens) as clients:
        yield clients


@pytest.fixture(scope="module")
def reading(clients: Clients) -> str:
    """What ada asked, answered first herself, and judged in every way."""
    ada = clients["ada"]
    reading = asked_id(ada, blind=True)
    heard(ada, reading, until="first_answer_wanted")
    ada.post(f"/api/readings/{reading}/first-answer", json={"answer": "Ada's answer"})
    heard(ada, reading)
    answer = completion_of(ada, reading)
    step = {"step": 0, "events": ["contradiction"]}
    box = {"x": 1, "y": 2, "width": 33, "height": 44}
    judgments: dict[str, dict[str, object]] = {
        "verdict": {"verdict": "incorrect", "comment": "Ada's reason"},
        "labels": {"absences": [], "steps": [step]},
        "edited_trace": {"edited_steps": [{"step": 0, "text": "Rewritten by Ada"}]},
        "evidence": {"box": box},
    }
    for kind, said in judgments.items():
        judge(ada, answer, kind, said)
    return reading


def completion_of(client: httpx.Client, reading: str) -> str:
    """Id of the only answer."""
    (answer,) = client.get(f"/api/readings/{reading}").raise_for_status().json()["completions"]
    return str(answer["id"])


def judge(client: httpx.Client, completion: str, kind: str, said: dict[str, object]) -> None:
    """Judge an answer once."""
    body = {"key": f"{kind} {completion}"[:64], "completion": completion, "kind": kind}
    client.post("/api/feedback", json=body | said).raise_for_status()


def told(client: httpx.Client, reading: str) -> dict[str, str]:
    """Everything that the routes about a reading and about all judgments answer, by route."""
    answer = completion_of(client, reading)
    paths = [
        f"/api/readings/{reading}",
        f"/api/readings/{reading}/report.html",
        f"/api/readings/{reading}/completions/0/maps",
        f"/api/completions/{answer}/feedback",
        "/api/readings",
        "/api/worklists",
    ]
    return {path: client.get(path).raise_for_status().text for path in paths}


def figures(client: httpx.Client) -> dict[str, Any]:
    """All charts as the page has them."""
    found: dict[str, Any] = client.get("/api/insights", timeout=60).raise_for_status().json()
    return found


def verdicts(client: httpx.Client) -> int:
    """How many verdicts the CSV of a chart counts."""
    path = "/api/insights/verdicts_by_model.csv"
    text = client.get(path, timeout=60).raise_for_status().text
    return sum(int(row[1]) for row in list(csv.reader(io.StringIO(text)))[1:])


def exported(client: httpx.Client, **wish: object) -> tuple[str, set[str]]:
    """How an export of the commented judgments ends: what it says, and whose rows are in it."""
    wish = {"format": "unpaired", "splits": "1,0,0", "comments": True} | wish
    job = client.post("/api/exports", json=wish).raise_for_status().json()
    while job["state"] == "running":
        time.sleep(0.05)
        job = client.get(f"/api/exports/{job['id']}").raise_for_status().json()
    if job["error"]:
        return job["error"], set()
    packed = client.get(f"/api/exports/{job['id']}.zip").raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        card = archive.read("export/README.md").decode()
        rows = pq.read_table(io.BytesIO(archive.read("export/train.parquet"))).to_pylist()
    return card + str(rows), {name for row in rows for name in row["raters"]}


def test_nothing_of_anothers_judgment_leaves_before_ones_own(
    clients: Clients, reading: str
) -> None:
    eve, answer = clients["eve"], completion_of(clients["eve"], reading)
    for route, text in told(eve, reading).items():
        assert not [secret for secret in SECRETS if secret in text], route
    # of judges that are programs there is nothing here, so that no chart has a row
    found = figures(eve)
    assert [chart["name"] for chart in found["charts"] if chart["rows"]] == []
    assert found["withheld"] == 4
    assert verdicts(eve) == 0
    assert eve.get("/api/exports/choices").json()["withheld"] == 4
    assert exported(eve)[0].startswith("No feedback matches")
    # a verdict without labels shows one's own alone
    judge(eve, answer, "verdict", {"verdict": "correct"})
    assert verdicts(eve) == 1
    words, raters = exported(eve)
    assert len(raters) == 1
    assert "Ada's reason" not in words
    assert "contains others' feedback only on what" in words
    judge(eve, answer, "labels", {"absences": [], "steps": []})
    assert "Ada's reason" in told(eve, reading)[f"/api/completions/{answer}/feedback"]
    assert verdicts(eve) == 2
    assert len(exported(eve)[1]) == 2
    assert figures(eve)["withheld"] == 0


def test_whoever_judges_nothing_sees_all(clients: Clients, reading: str) -> None:
    ivy, answer = clients["ivy"], completion_of(clients["ada"], reading)
    assert verdicts(ivy) >= 1
    assert figures(ivy)["withheld"] == 0
    assert "Ada's reason" in exported(ivy)[0]
    assert "judge" not in ivy.get("/api/me").json()["actions"]
    (slide,) = ivy.get("/api/slides").json()
    box = {"x": 0, "y": 0, "width": 60, "height": 40}
    question = {"slide": slide["id"], "box": box, "question": "What is it?"}
    before = len(ivy.get("/api/readings").json())
    for refused in (
        ivy.post("/api/feedback", json={}),
        ivy.post("/api/comparisons", json=question),
        ivy.get(f"/api/completions/{answer}/feedback"),
        ivy.get("/api/worklists"),
    ):
        assert refused.status_code == 403
        assert "cannot judge" in refused.json()["error"]["message"]
    assert len(ivy.get("/api/readings").json()) == before
