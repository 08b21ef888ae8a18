"""Uploading over HTTP: in pieces, resumed, checked, and never over another file."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL
from pathviewer.settings import Settings
from storage.audit import list_entries
from tests.dicom_series import write_series
from tests.library_app import LibraryApp, asked_by, library_app, write_slide
from tests.upload_client import begin, error_of, files_in, send


def test_a_slide_sent_in_pieces_is_listed(
    served: LibraryApp, client: TestClient, settings: Settings, slide: bytes
) -> None:
    url = begin(client, slide)
    for start in range(0, len(slide) - 1000, 1000):
        answer = send(client, url, slide[start : start + 1000], start)
        assert (answer.status_code, answer.json()["offset"]) == (200, start + 1000)
        assert served.library.slides() == ()
    rest = start + 1000
    answer = send(client, url, slide[rest:], rest)
    (entry,) = served.library.slides()
    assert (answer.status_code, answer.json()) == (201, {"slide_id": entry.id, "name": "Slide 1"})
    assert entry.file.path.read_bytes() == slide
    assert files_in(settings) == {"case.tiff"}
    with served.database.reading() as session:
        (audited,) = list_entries(session)
    assert (audited.action, audited.subject) == ("upload_slide", entry.id)
    assert audited.account_id == LOCAL.account_id


def test_an_upload_goes_on_after_the_connection_broke(
    served: LibraryApp, client: TestClient, slide: bytes
) -> None:
    url = begin(client, slide)
    assert send(client, url, slide[:3000], 0).headers["Upload-Offset"] == "3000"
    # the answer got lost: the page sends the same piece again, then asks
    again = send(client, url, slide[:3000], 0)
    assert (error_of(again), again.headers["Upload-Offset"]) == ((409, "upload_offset"), "3000")
    asked = client.head(url)
    assert asked.headers["Upload-Offset"] == "3000"
    assert asked.headers["Upload-Length"] == str(len(slide))
    assert send(client, url, slide[3000:], 3000).status_code == 201


def test_what_came_before_a_client_left_is_kept(
    served: LibraryApp, client: TestClient, slide: bytes
) -> None:
    url = begin(client, slide)
    messages = [
        {"type": "http.request", "body": slide[:2500], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def collect(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "PATCH",
        "path": url,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"upload-offset", b"0")],
    }
    asyncio.run(asked_by(served.app, LOCAL)(scope, receive, collect))
    assert client.head(url).headers["Upload-Offset"] == "2500"
    assert send(client, url, slide[2500:], 2500).status_code == 201


def test_an_upload_goes_on_after_a_restart(settings: Settings, slide: bytes) -> None:
    with library_app(settings) as before:
        client = before.seen_by()
        url = begin(client, slide)
        send(client, url, slide[:3000], 0)
    with library_app(settings) as after:
        assert after.library.rejected() == ()
        assert send(after.seen_by(), url, slide[3000:], 3000).status_code == 201


def test_the_second_file_of_a_name_does_not_replace_the_first(
    served: LibraryApp, client: TestClient, settings: Settings, tmp_path: Path
) -> None:
    contents = [write_slide(tmp_path / "x.tiff", seed).read_bytes() for seed in range(3)]
    for content in contents:
        assert send(client, begin(client, content), content, 0).status_code == 201
    assert files_in(settings) == {"case.tiff", "case (2).tiff", "case (3).tiff"}
    assert (settings.uploads / "case.tiff").read_bytes() == contents[0]
    assert len(served.library.slides()) == 3


def test_files_of_a_dicom_series_become_one_slide(
    served: LibraryApp, client: TestClient, tmp_path: Path
) -> None:
    slides = []
    for path in write_series(tmp_path / "series", 64, 32):
        content = path.read_bytes()
        answer = send(client, begin(client, content, path.name), content, 0)
        slides.append(answer.json()["slide_id"])
    (entry,) = served.library.slides()
    assert (slides, entry.level_count) == ([entry.id] * 2, 2)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.svs", "passwd.svs"),
        ("C:\\scans\\a.TIFF", "a.TIFF"),
        (".hidden.tiff", "hidden.tiff"),
        ("a\x00b\n.tiff", "ab.tiff"),
        ('what?:"x".tiff', "what___x_.tiff"),
        ("Käse 腺.tiff", "Käse 腺.tiff"),
        ("x" * 400 + ".tiff", "x" * 175 + ".tiff"),
    ],
)
def test_a_name_is_made_harmless(
    client: TestClient, settings: Settings, slide: bytes, name: str, kept: str
) -> None:
    assert send(client, begin(client, slide, name), slide, 0).status_code == 201
    assert files_in(settings) == {kept}
    assert (settings.uploads / kept).read_bytes() == slide


def test_an_upload_can_be_cancelled(client: TestClient, settings: Settings, slide: bytes) -> None:
    url = begin(client, slide)
    send(client, url, slide[:100], 0)
    assert client.delete(url).status_code == 204
    assert files_in(settings) == set()
    assert error_of(send(client, url, slide[100:], 100)) == (404, "upload_not_found")


def test_an_upload_that_nobody_went_on_with_is_removed(
    client: TestClient, settings: Settings, slide: bytes
) -> None:
    stale, fresh = begin(client, slide), begin(client, slide)
    yesterday = time.time() - 25 * 3600
    for path in settings.uploads.rglob(f"{stale[-32:]}*"):
        os.utime(path, (yesterday, yesterday))
    begin(client, slide)
    assert client.head(stale).status_code == 404
    assert client.head(fresh).status_code == 200
