"""Uploads that are not taken, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL, VISITOR, Identity
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.format_files import grey, write_tiff
from tests.hostile_slides import write_outside
from tests.library_app import LibraryApp, library_app
from tests.upload_client import begin, error_of, files_in, send


def test_what_openslide_cannot_open_is_refused_and_removed(
    served: LibraryApp, client: TestClient, settings: Settings, slide: bytes
) -> None:
    for content in (b"no slide", slide[:4000]):
        answer = send(client, begin(client, content), content, 0)
        assert error_of(answer) == (422, "slide_unopenable")
        assert "case.tiff" in answer.json()["error"]["message"]
        assert str(settings.uploads) not in answer.text
        assert files_in(settings) == set()


def test_what_no_tile_can_be_read_of_is_refused_with_the_reason_and_removed(
    client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    values = grey(16)[:100, :100].astype(np.float32)
    content = write_tiff(tmp_path / "float.tif", values).read_bytes()
    answer = send(client, begin(client, content), content, 0)
    assert error_of(answer) == (422, "slide_unsupported")
    assert "32-bit floating-point numbers" in answer.json()["error"]["message"]
    assert files_in(settings) == set()


@pytest.mark.parametrize("group", ["", "Uncompressed "])
def test_an_index_of_other_files_is_refused_by_what_is_in_it(
    client: TestClient, settings: Settings, group: str
) -> None:
    Image.new("RGB", (64, 64)).save(settings.uploads.parent / "outside.jpg")
    names = "".join(f"{key}=../outside.jpg\n" for key in ("ImageFile", "MapFile", "MacroImage"))
    content = f"\n  [{group}Virtual Microscope Specimen]  \r\nNoLayers=1\n{names}".encode()
    answer = send(client, begin(client, content), content, 0)
    assert error_of(answer) == (415, "upload_type")
    assert "several files" in answer.json()["error"]["message"]
    assert files_in(settings) == set()


def test_the_soaks_index_of_other_files_is_refused_too(
    client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    content = write_outside(tmp_path / "outside.tif").read_bytes()
    assert error_of(send(client, begin(client, content), content, 0)) == (415, "upload_type")
    assert files_in(settings) == set()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": "a.mrxs", "size": 9}, (415, "upload_type")),
        ({"name": "a.vms", "size": 9}, (415, "upload_type")),
        ({"name": "a.html", "size": 9}, (415, "upload_type")),
        ({"name": "a.tiff/", "size": 9}, (415, "upload_type")),
        ({"name": "..", "size": 9}, (415, "upload_type")),
        ({"name": ".tiff", "size": 9}, (415, "upload_type")),
        ({"name": "", "size": 9}, (415, "upload_type")),
        ({"name": "a.tiff", "size": 0}, (400, "bad_upload")),
        ({"name": "a.tiff", "size": -1}, (400, "bad_upload")),
        ({"name": "a.tiff", "size": 9.5}, (400, "invalid_request")),
        ({"name": "a.tiff", "size": True}, (400, "invalid_request")),
        ({"name": "a.tiff"}, (400, "invalid_request")),
        ({"name": 7, "size": 9}, (400, "invalid_request")),
        ({"name": "a.tiff", "size": 2**20 + 1}, (413, "upload_too_large")),
        ({"name": "a.tiff", "size": 10**17}, (413, "upload_too_large")),
        ({"name": "a.tiff", "size": 10**4000}, (400, "bad_json")),  # a number of any request
        ({"name": "a\0.tiff", "size": 9}, (400, "bad_json")),  # a text of any request
        ([], (400, "invalid_request")),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_before_it_is_sent(
    client: TestClient, settings: Settings, body: Any, error: tuple[int, str]
) -> None:
    assert error_of(client.post("/api/uploads", json=body)) == error
    assert files_in(settings) == set()


def test_a_file_larger_than_the_disk_is_refused_at_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, upload_limit_mib=2**40, upload_account_mib=2**40)
    with library_app(settings) as served:
        answer = served.seen_by().post("/api/uploads", json={"name": "a.svs", "size": 2**59})
        assert error_of(answer) == (507, "disk_full")


def test_a_disk_that_fills_up_ends_the_upload_with_a_sentence(
    client: TestClient, settings: Settings, slide: bytes
) -> None:
    url = begin(client, slide)
    (part,) = settings.uploads.rglob("*.tiff")
    part.unlink()
    part.symlink_to("/dev/full")
    assert error_of(send(client, url, slide, 0)) == (507, "disk_full")
    assert files_in(settings) == set()


def test_more_bytes_than_announced_are_refused(client: TestClient, slide: bytes) -> None:
    url = begin(client, slide)
    assert error_of(send(client, url, slide + b"x", 0)) == (413, "upload_too_large")

    def unannounced() -> Iterator[bytes]:
        yield slide
        yield b"x"

    answer = client.patch(url, content=unannounced(), headers={"Upload-Offset": "0"})
    assert error_of(answer) == (413, "upload_too_large")
    assert client.head(url).status_code == 404


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 30])
def test_a_piece_must_say_where_it_begins(client: TestClient, slide: bytes, offset: str) -> None:
    url = begin(client, slide)
    answer = client.patch(url, content=slide, headers={"Upload-Offset": offset})
    assert error_of(answer) == (400, "invalid_request")
    assert "upload-offset must be a whole number from 0 to" in answer.json()["error"]["message"]


def test_a_piece_without_an_offset_is_refused(client: TestClient, slide: bytes) -> None:
    answer = client.patch(begin(client, slide), content=slide)
    assert error_of(answer) == (400, "invalid_request")
    assert "upload-offset is missing" in answer.json()["error"]["message"]


@pytest.mark.parametrize("upload_id", ["x", "0" * 32, "..", "%2e%2e%2fa", "*" * 32])
def test_an_unknown_upload_is_not_found(client: TestClient, upload_id: str) -> None:
    assert client.head(f"/api/uploads/{upload_id}").status_code in (404, 405)


def test_nobody_else_may_go_on_with_an_upload(
    served: LibraryApp, client: TestClient, slide: bytes
) -> None:
    url = begin(client, slide)
    other = served.seen_by(Identity("other", "other", Role.admin))
    assert other.head(url).status_code == 404
    assert error_of(send(other, url, slide, 0)) == (404, "upload_not_found")
    assert error_of(other.delete(url)) == (404, "upload_not_found")


def test_uploads_need_a_role_that_may(served: LibraryApp, slide: bytes) -> None:
    body = {"name": "a.tiff", "size": 9}
    for identity in (VISITOR, Identity("x", "x", Role.viewer)):
        client = served.seen_by(identity)
        assert error_of(client.post("/api/uploads", json=body)) == (403, "forbidden")
        assert error_of(send(client, f"/api/uploads/{'0' * 32}", slide, 0)) == (403, "forbidden")


def test_a_public_demo_keeps_no_uploads(tmp_path: Path) -> None:
    with library_app(Settings(data=tmp_path, public_demo=True)) as served:
        answer = served.seen_by(LOCAL).post("/api/uploads", json={"name": "a.tiff", "size": 9})
        assert error_of(answer) == (403, "forbidden")
