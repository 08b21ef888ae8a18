"""Labels of a public demo reach a data set on the hub; here a server that speaks its protocol."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.export.hub_upload import LabelPusher
from tests.pathviewer.export.made_labels import RIGHT, Labels
from tests.servers import serving

DATASET = "group/labels"


class Hub:
    """What a hub keeps of one data set, and how it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.made: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()
        self.away = False

    def app(self) -> Starlette:
        """The hub's routes that a commit of small files needs."""
        return Starlette(
            routes=[
                Route("/api/repos/create", self.create, methods=["POST"]),
                Route("/api/datasets/group/labels/preupload/main", self.before, methods=["POST"]),
                Route("/api/datasets/group/labels/commit/main", self.commit, methods=["POST"]),
                Route("/api/datasets/group/labels/tree/main{path:path}", self.tree),
                Route("/api/datasets/group/labels/revision/main", self.info),
                Route("/api/datasets/group/labels", self.info),
                Route("/api/validate-yaml", self.yaml, methods=["POST"]),
            ]
        )

    async def create(self, request: Request) -> Response:
        if self.away:
            return Response(status_code=500)
        self.tokens.add(request.headers.get("authorization"))
        self.made.append(await request.json())
        url = f"{request.base_url}datasets/{DATASET}"
        return JSONResponse({"url": url, "name": DATASET, "id": "1"})

    async def before(self, request: Request) -> Response:
        files = (await request.json())["files"]
        told = [{"path": one["path"], "uploadMode": "regular"} for one in files]
        return JSONResponse({"files": [one | {"shouldIgnore": False} for one in told]})

    async def commit(self, request: Request) -> Response:
        for line in (await request.body()).splitlines():
            told = json.loads(line)
            if told["key"] == "file":
                content = base64.b64decode(told["value"]["content"])
                self.files[told["value"]["path"]] = content
            if told["key"] == "deletedFile":
                del self.files[told["value"]["path"]]
        url = f"{request.base_url}datasets/{DATASET}/commit/{'1' * 40}"
        made = {"commitUrl": url, "commitOid": "1" * 40}
        return JSONResponse(made | {"hookOutput": "", "success": True})

    async def tree(self, _: Request) -> Response:
        entries = [{"type": "file", "path": path, "size": 1, "oid": "1"} for path in self.files]
        return JSONResponse(entries)

    async def info(self, _: Request) -> Response:
        siblings = [{"rfilename": path} for path in self.files]
        return JSONResponse({"id": DATASET, "sha": "1" * 40, "siblings": siblings})

    async def yaml(self, _: Request) -> Response:
        return JSONResponse({"errors": [], "warnings": []})


@pytest.fixture
def hub() -> Iterator[tuple[Hub, HfApi]]:
    """A hub that keeps one data set, and the way to it."""
    kept = Hub()
    with serving(kept.app()) as base:
        yield kept, HfApi(endpoint=base, token="hf_of_the_owner")


def test_judgments_are_pushed_in_every_format_that_has_rows(
    labels: Labels, hub: tuple[Hub, HfApi], tmp_path: Path
) -> None:
    kept, api = hub
    pusher = LabelPusher(labels.database, labels.blobs, DATASET, "cc-by-4.0", api)
    assert not pusher.push(), "nothing was judged yet"
    with labels.database.session() as session:
        (one,) = labels.reading(session, "s", 1, RIGHT)
        labels.verdict(session, "ada", one, "correct")
    assert pusher.push()
    assert not pusher.push(), "nothing is new"
    (first,) = kept.made
    assert (first["name"], first["type"], first["visibility"]) == ("labels", "dataset", "private")
    assert kept.tokens == {"Bearer hf_of_the_owner"}
    runs = {path.split("/")[0] for path in kept.files}
    assert len(runs) == 1
    names = {path.split("/", 1)[1] for path in kept.files if path.endswith("train.parquet")}
    assert names == {f"{each}/train.parquet" for each in ("unpaired", "sft", "grpo")}
    (tmp_path / "train.parquet").write_bytes(kept.files[f"{runs.pop()}/unpaired/train.parquet"])
    assert pq.read_table(tmp_path / "train.parquet").column("label").to_pylist() == [True]
    cards = [text for path, text in kept.files.items() if path.endswith("README.md")]
    assert all(b"cc-by-4.0" in card for card in cards)


def test_a_hub_that_is_away_is_tried_again(labels: Labels, hub: tuple[Hub, HfApi]) -> None:
    kept, api = hub
    pusher = LabelPusher(labels.database, labels.blobs, DATASET, "", api)
    with labels.database.session() as session:
        (one,) = labels.reading(session, "s", 1, RIGHT)
        labels.verdict(session, "ada", one, "correct")
    nowhere = HfApi(endpoint="http://127.0.0.1:9", token="hf_of_the_owner")
    assert not LabelPusher(labels.database, labels.blobs, DATASET, "", nowhere).push()
    kept.away = True
    assert not pusher.push()
    assert kept.files == {}
    kept.away = False
    assert pusher.push()
    with labels.database.session() as session:
        labels.verdict(session, "ada", one, "unsure")
    assert pusher.push(), "a change of mind is new"
