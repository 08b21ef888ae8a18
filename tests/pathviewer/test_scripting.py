"""The documented script runs against the real application, and may what its account may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError, AuthenticationError

from pathviewer.export.manifest import check_export
from pathviewer.settings import Settings
from tests.asking import accounts, asking_settings
from tests.comparing import PAIRS, list_with_pairs
from tests.servers import running

DOCUMENT = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text(encoding="utf-8")
ITEMS = 2
"""Of the worklist, with two answers each to judge."""
ADDRESS = "http://127.0.0.1:7860"


@dataclass(frozen=True)
class Site:
    """The running application."""

    base: str
    """Its URL."""
    tokens: dict[str, str]
    """Of two clinicians and an administrator."""
    settings: Settings
    """Its settings."""

    def client(self, name: str) -> Client:
        """A client with somebody's token."""
        return client_with(self.base, {"Authorization": f"Bearer {self.tokens[name]}"})


def client_with(base: str, headers: dict[str, str]) -> Client:
    """A client that keeps to itself."""
    return Client(base, token=False, headers=headers, analytics_enabled=False, verbose=False)


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[Client]:
    """A clinician's."""
    client = site.client("ada")
    yield client
    client.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, cmu: Path) -> Iterator[Site]:
    settings = asking_settings(tmp_path_factory.mktemp("scripts"), cmu)
    tokens = accounts(settings)
    list_with_pairs(settings, "a.tiff", items=ITEMS)
    with running(settings) as base:
        yield Site(base, tokens, settings)


@pytest.mark.long
def test_the_documented_script(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(blocks) == 8
    names: dict[str, Any] = {"TOKEN": site.tokens["eve"]}
    for block in blocks:
        script = block.replace(ADDRESS, site.base)
        exec(compile(script, "scripting.md", "exec"), names)  # noqa: S102 - our document
    names["client"].close()
    told = capsys.readouterr().out
    reading = names["reading"]
    assert f"{reading['id']} answer" in told, "the progress of the question"
    assert f"{reading['id']} has ended" in told
    assert (reading["state"], len(reading["completions"])) == ("done", 4)
    assert {"running", "done"} >= {line.split()[0] for line in told.splitlines() if "ing 0" in line}
    assert check_export(tmp_path / "exports" / "preference" / "export") == {"train": 3 + 1 + PAIRS}
    expected = ["ask", "ask", "ask", *["judge"] * (3 * 5 + 1), "ask", *["judge"] * (3 + PAIRS)]
    expected += [*["judge"] * (2 * ITEMS), "worklist_report", "exported", "ask"]
    assert audit_of(site)[-len(expected) :] == expected


def audit_of(site: Site) -> list[str]:
    """Actions in the audit log."""
    headers = {"Authorization": f"Bearer {site.tokens['eve']}"}
    return [
        entry["action"] for entry in httpx.get(f"{site.base}/api/audit", headers=headers).json()
    ]


def test_every_endpoint_is_documented_and_no_other(ada: Client) -> None:
    named = set(ada.view_api(return_format="dict")["named_endpoints"])
    told = re.findall(r"^\| (`/.*?) \|", DOCUMENT, re.MULTILINE)
    assert {name for line in told for name in re.findall(r"`(/\w+)`", line)} == named


@pytest.mark.parametrize(
    ("endpoint", "told", "sentence"),
    [
        ("/reading", {"reading": "nothing"}, "There is no such question, or it is not yours."),
        ("/reading", {"reading": "../slides"}, "There is no such question, or it is not yours."),
        ("/export", {"format": "sft"}, "The role clinician may not export."),
        ("/audit", {}, "The role clinician may not read audit."),
        ("/insights", {}, "The role clinician may not see insights."),
        (
            "/judge",
            {"completion": "x", "kind": "verdict", "said": []},
            "said must be an object, as in {...}, not [].",
        ),
        ("/judge", {"completion": "x", "kind": "praise", "said": {}}, "kind must be one of"),
        (
            "/ask",
            {"slide": "x", "box": 1, "question": "?"},
            "box must be an object, as in {...}, not 1.",
        ),
        ("/preview", {"slide": "x", "box": {}}, "box.x is missing: it must be a whole number"),
        (
            "/compare",
            {"slide": "x", "box": 1, "question": "?"},
            "box must be an object, as in {...}, not 1.",
        ),
        ("/comparison", {"comparison": "x"}, "There is no such comparison"),
        (
            "/side_maps",
            {"comparison": "x", "side": "top"},
            'side must be one of left, right, not "top".',
        ),
        ("/vote", {"comparison": "x", "choice": "left"}, "There is no such comparison"),
        ("/worklist_report", {"worklist": "x"}, "The role clinician may not see insights."),
        ("/reading", {"reading": ["x"]}, 'reading must be a text, not ["x"].'),
        ("/skip_pair", {"comparison": {}}, "comparison must be a text"),
        ("/next_item", {"worklist": 7}, "worklist must be a text, not 7."),
        ("/maps", {"reading": "x", "index": "0"}, "index must be a whole number"),
    ],
)
def test_what_is_refused_is_told_in_the_routes_sentence(
    ada: Client, endpoint: str, told: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AppError, match=re.escape(sentence)):
        ada.predict(**told, api_name=endpoint)


def test_nobody_sees_another_ones_reading(site: Site, ada: Client) -> None:
    bob = site.client("bob")
    slide = ada.predict(api_name="/slides")[0]["id"]
    box = {"x": 0, "y": 0, "width": 60, "height": 40}
    reading = ada.predict(slide=slide, box=box, question="What is it?", api_name="/ask")
    with pytest.raises(AppError, match="no such question, or it is not yours"):
        bob.predict(reading["id"], api_name="/reading")
    blind = ada.predict(slide=slide, box=box, question="And?", blind=True, api_name="/ask")
    assert (blind["state"], blind["completions"]) == ("running", [])
    ada.predict(blind["id"], "Fat.", api_name="/first_answer")
    assert ada.predict(blind["id"], api_name="/reading")["completions"]
    bob.close()


def test_strangers_find_no_endpoint(site: Site) -> None:
    with pytest.raises(AuthenticationError):
        client_with(site.base, {})
    path, origin = f"{site.base}/gradio_api/run/slides", {"Origin": site.base}
    answer = httpx.post(path, json={"data": []}, headers=origin)
    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_without_accounts_a_script_names_its_origin(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path)) as base:
        client = client_with(base, {"Origin": base})
        assert client.predict(api_name="/slides") == []
        client.close()
        bare = client_with(base, {})
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            bare.predict(api_name="/slides")
        bare.close()
