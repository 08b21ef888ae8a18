"""A worklist as one page to print: nothing is told of what waits for the reader himself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.asking import Clients, accounts, asking, asking_settings
from tests.pathviewer.worklists.test_worklists import run

OPTIONS = ["low <b>grade</b>", "high"]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Clients]:
    """Two clinicians and an administrator, and a blind list of two items that the first judged."""
    folder = tmp_path_factory.mktemp("report")
    settings = asking_settings(folder, small_phantom)
    items = folder / "rounds.jsonl"
    asked = {"slide": "a.tiff", "options": OPTIONS, "answer": "high"}
    rows = [asked | {"question": f"How dense, {n}?", "box": [300 * n, 0, 280, 280]} for n in (0, 1)]
    items.write_text("\n".join(map(json.dumps, rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        tokens = accounts(settings)
        assert run("worklist", "import", str(items))[0] == 0
        assert run("worklist", "generate", "rounds", "--model", "scripted")[0] == 0
        with asking(settings, tokens) as found:
            for _ in range(2):
                judge(found["ada"])
            yield found


def next_item(client: httpx.Client) -> dict[str, object]:
    (told,) = client.get("/api/worklists").raise_for_status().json()
    path = f"/api/worklists/{told['id']}/next"
    item: dict[str, object] = client.post(path, json={}).raise_for_status().json()["item"]
    return item


def judge(client: httpx.Client, *, answer: str = "high", ended: bool = True) -> None:
    """The next item: an own answer, a verdict, labels, done."""
    item = next_item(client)
    own = f"/api/worklist-items/{item['id']}"
    given = {"answer": answer, "confidence": 2}
    seen = client.post(f"{own}/first-answer", json=given).raise_for_status().json()
    about = {"completion": seen["completions"][0]["id"]}
    said = {"kind": "verdict", "verdict": "partly_correct", "comment": "<i>Look</i> again."}
    client.post("/api/feedback", json=about | said | {"key": f"v{item['round']}{item['id']}"[:64]})
    steps = [{"step": 0, "events": ["contradiction"], "quote": None}]
    labels = {"kind": "labels", "absences": ["missing_knowledge"], "steps": steps}
    told = client.post(
        "/api/feedback", json=about | labels | {"key": f"l{item['round']}{item['id']}"[:64]}
    )
    told.raise_for_status()
    if ended:
        client.post(f"{own}/end", json={}).raise_for_status()


def report(client: httpx.Client) -> httpx.Response:
    (told,) = client.get("/api/worklists").raise_for_status().json()
    return client.get(f"/api/worklists/{told['id']}/report.html")


def on_map(client: httpx.Client) -> list[str]:
    """Readings on the slide's own map."""
    slide = client.get("/api/slides").raise_for_status().json()[0]["id"]
    told = client.get(f"/api/slides/{slide}/map").raise_for_status().json()
    return [question["reading"] for question in told["questions"]]


def test_a_blind_item_is_kept_back_before_it_is_handed_out(clients: Clients) -> None:
    judged = on_map(clients["ada"])
    assert len(judged) == 2
    eve = clients["eve"]  # an administrator who judges
    assert on_map(eve) == []
    for reading in judged:
        for path in ("", "/report.html", "/completions/0/maps", "/picture.png"):
            answer = eve.get(f"/api/readings/{reading}{path}")
            assert (answer.status_code, path) == (409, path)
        (completion,) = clients["ada"].get(f"/api/readings/{reading}").json()["completions"]
        assert eve.get(f"/api/completions/{completion['id']}/feedback").status_code == 409


SAID = ("partly correct", "A statement contradicts another one", "&lt;i&gt;Look&lt;/i&gt; again.")
RIGHT = "Reference answer: high"


def test_a_report_tells_the_reader_what_he_has_judged_himself(clients: Clients) -> None:
    eve = clients["eve"]
    assert report(clients["ada"]).status_code == 403  # who may not see all
    page = report(eve).raise_for_status().text
    for words in ("Not for diagnosis", "rounds", "How dense, 0?", "How dense, 1?", "2 of 2 items"):
        assert words in page, words
    assert "low &lt;b&gt;grade&lt;/b&gt;" in page
    for words in (*SAID, RIGHT, "sure 2 of 5"):
        assert words not in page, words  # eve is a rater and has judged nothing yet
    item = next_item(eve)
    waiting = report(eve).raise_for_status().text
    assert "hidden until the first answer; give that first" in waiting
    # the model's words are kept back of the item in hand and of the one that is still to come
    for words in ('class="step"', "Provenance", "where it looked", "scripted"):
        assert words not in page + waiting, words
    assert item["completions"] is None
    judge(eve)
    page = report(eve).raise_for_status().text
    for words in (*SAID, RIGHT, "sure 2 of 5", "1 of 2 items"):
        assert words in page, words
    assert page.count(RIGHT) == 1
    assert len(set(re.findall(r"rater-[0-9a-z]+", page))) == 2
    # all of it is in the page itself, nothing runs, nobody is named
    sources = re.findall(r'src="([^"]{0,40})', page)
    assert page.count('alt="The region as the model saw it"') == 2
    # the item that she judged has its steps' maps and where it comes from; the other one has none
    assert page.count('class="step"') == page.count(
        "<figcaption>Attention: localised;"
    ) + page.count("<figcaption>Attention: diffuse: not")
    assert page.count('class="step"') > 1
    assert len(sources) == 2 + page.count("<figcaption>Attention: localised;")
    for row in ("Picture, SHA-256", "Sampling", "Prompt"):
        assert page.count(f'<th scope="row">{row}</th>') == 1, row
    assert all(source.startswith("data:image/jpeg") for source in sources)
    assert "<script" not in page
    assert "ada" not in re.findall(r"\w+", page)
    assert eve.get("/api/worklists/none/report.html").status_code == 404
