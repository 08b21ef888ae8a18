"""The embedded model behind the pages: the same seed, where it looked, whether it used that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.registry import DEFAULT_MODEL
from storage.database import Database, open_database
from storage.questions.store import list_completions
from tests.asking import accounts, asked_id, asking, asking_settings, heard

pytestmark = pytest.mark.long

DRAWN = {"temperature": 2.0, "seed": 11}  # it is sure of what it says
BIG = {"x": 800, "y": 600, "width": 800, "height": 500}


@pytest.fixture(scope="module")
def model(
    tmp_path_factory: pytest.TempPathFactory, small_phantom: Path
) -> Iterator[tuple[httpx.Client, Database]]:
    """A clinician of an application whose model is up, and the database."""
    folder = tmp_path_factory.mktemp("embedded")
    settings = asking_settings(folder, small_phantom, model=DEFAULT_MODEL)
    with asking(settings, accounts(settings)) as clients:
        client = clients["ada"]
        until = time.monotonic() + 120
        while client.get("/api/health").json()["model"]["state"] != "ready":
            assert time.monotonic() < until
            time.sleep(0.2)
        database = open_database(settings.database)
        yield client, database
        database.close()


def tokens(database: Database, reading: str) -> list[Any]:
    """What was drawn, token by token, each with its log-probability."""
    with database.read_only() as session:
        found = list_completions(session, [reading])
    return [[*zip(one.token_ids, one.token_logprobs or (), strict=True)] for one in found]


def test_again_draws_the_same_tokens(model: tuple[httpx.Client, Database]) -> None:
    client, database = model
    question = {"question": "How cellular is this region?", "options": ["low", "high"]}
    first = asked_id(client, box=BIG, sampling=DRAWN, count=2, **question)
    heard(client, first)
    again = client.post(f"/api/readings/{first}/again").raise_for_status().json()["id"]
    heard(client, again)
    other = asked_id(client, box=BIG, sampling=DRAWN | {"seed": 12}, count=2, **question)
    heard(client, other)
    drawn = tokens(database, first)
    assert len(drawn) == 2
    assert all(logprob <= 0 for each in drawn for _, logprob in each)
    assert tokens(database, again) == drawn
    assert tokens(database, other) != drawn


def test_its_provenance_maps_and_check_are_there(model: tuple[httpx.Client, Database]) -> None:
    client, _ = model
    reading = asked_id(client, box=BIG, question="How cellular is this region?")
    kinds = [event["type"] for _, event in heard(client, reading)]
    assert kinds[-2:] == ["maps", "done"]
    told = client.get(f"/api/readings/{reading}").raise_for_status().json()
    assert told["model"] == DEFAULT_MODEL
    assert {"torch", "transformers", "pathviewer"} <= told["model_info"]["versions"].keys()
    assert told["model_info"]["layers"] > 1
    (place,) = told["placements"]
    assert place["box"] == BIG
    assert place["pixel_width"] == told["picture"]["width"] == place["columns"] * 28
    assert told["prompt_tokens"] > place["columns"] * place["rows"]
    assert told["completions"][0]["tokens"] > 5
    path = f"/api/readings/{reading}/completions/0"
    maps = client.get(f"{path}/maps").raise_for_status().json()
    assert maps["layers"] == told["model_info"]["layers"]
    assert maps["neutral"]
    assert all(0 < one["image_share"] < 1 for one in maps["passages"])
    evidence = client.post(f"{path}/evidence", json={}, timeout=120).raise_for_status().json()
    assert evidence["unit"] == "nats"
    (step, *_) = evidence["passages"]
    assert step["test"]["claim"] in ("place", "region")
    assert max(passage["region_loss"] for passage in evidence["passages"]) > 0.1
    assert len(step["losses"]) == place["columns"] * place["rows"]
    check = client.post(f"{path}/deletion", json={}, timeout=60).raise_for_status().json()
    assert "check a step" in check["sentence"]  # it never answers without reasoning
    focus = {"passage": "step 1"}  # "Tissue: present. Focus: sharp.", which no grey picture is
    step = client.post(f"{path}/deletion", json=focus, timeout=60).raise_for_status().json()
    assert step["verdict"] != "neither"
    assert step["as_is"] > 0.5 > 10 * step["blanked"]
    assert "This step depends" in step["sentence"]
