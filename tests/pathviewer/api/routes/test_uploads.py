"""Uploading over HTTP: in pieces, resumed, checked, and never over another file."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL, Identity
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from pathviewer.slides.slide_names import find_slide_by_name
from storage.accounts.store import add_account
from storage.audit import list_entries
from storage.slides.store import list_slide_records
from storage.tables import Upload as UploadRow
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
    assert files_in(settings) == {f"{url[-32:]}.tiff"}
    with served.database.read_only() as session:
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
    anyio.run(asked_by(served.app, LOCAL), scope, receive, collect)
    assert client.head(url).headers["Upload-Offset"] == "2500"
    assert send(client, url, slide[2500:], 2500).status_code == 201


def test_an_upload_goes_on_after_a_restart(settings: Settings, slide: bytes) -> None:
    with library_app(settings) as before:
        client = before.seen_by()
        url = begin(client, slide)
        send(client, url, slide[:3000], 0)
    with library_app(settings) as after:
        assert after.library.list_rejected() == ()
        assert send(after.seen_by(), url, slide[3000:], 3000).status_code == 201


def test_the_second_file_of_a_name_does_not_replace_the_first(
    served: LibraryApp, client: TestClient, tmp_path: Path
) -> None:
    contents = [write_slide(tmp_path / "x.tiff", seed).read_bytes() for seed in range(3)]
    for content in contents:
        assert send(client, begin(client, content), content, 0).status_code == 201
    paths = [entry.file.path for entry in served.library.slides()]
    assert [path.read_bytes() for path in paths] == contents
    assert len({path.parent for path in paths}) == 3


def sent_dicom(client: TestClient, path: Path) -> Any:
    content = path.read_bytes()
    answer = send(client, begin(client, content, path.name), content, 0)
    assert answer.status_code == 201, answer.text
    return answer.json()["slide_id"]


def test_an_upload_does_not_touch_another_accounts_series(
    served: LibraryApp, client: TestClient, tmp_path: Path
) -> None:
    finest, middle = write_series(tmp_path / "series", 64, 32)
    with served.database.session() as session:
        other = add_account(session, name="other", role="researcher")
    stranger = served.seen_by(Identity(other.id, "other", Role.researcher))
    first = sent_dicom(client, finest)
    second, third = sent_dicom(stranger, middle), sent_dicom(stranger, finest)
    served.library.rescan()
    levels = {entry.id: entry.level_count for entry in served.library.slides()}
    assert (levels, second) == ({first: 1, third: 2}, third)
    assert served.library.list_rejected() == ()


def test_a_series_that_is_exported_again_is_another_slide(
    served: LibraryApp, client: TestClient, tmp_path: Path
) -> None:
    former = write_series(tmp_path / "former", 64, 32)
    latter = write_series(tmp_path / "latter", 64, 32, export=1)
    ids = [sent_dicom(client, path) for path in (*former, *latter)]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    served.library.rescan()
    files = {entry.id: entry.file.path.read_bytes() for entry in served.library.slides()}
    assert files == {ids[0]: former[0].read_bytes(), ids[2]: latter[0].read_bytes()}
    assert served.library.list_rejected() == ()


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
        ("a\x07b\n.tiff", "ab.tiff"),
        ('what?:"x".tiff', "what___x_.tiff"),
        ("Käse 腺.tiff", "Käse 腺.tiff"),
        ("x" * 400 + ".tiff", "x" * 175 + ".tiff"),
    ],
)
def test_a_name_is_made_harmless_and_is_in_the_database_only(
    settings: Settings, slide: bytes, name: str, kept: str
) -> None:
    shown = settings.model_copy(update={"show_file_names": True})
    with library_app(shown) as served:
        client = served.seen_by()
        url = begin(client, slide, name)
        answer = send(client, url, slide, 0)
        assert (answer.status_code, answer.json()["name"]) == (201, kept)
        with served.database.read_only() as session:
            (record,) = list_slide_records(session)
        assert find_slide_by_name([record], kept) == record
    assert files_in(settings) == {f"{url[-32:]}{Path(kept).suffix.lower()}"}
    assert (settings.uploads / record.relative_path).read_bytes() == slide


def test_no_name_is_on_the_disk_while_a_file_is_on_its_way(
    client: TestClient, settings: Settings, slide: bytes
) -> None:
    url = begin(client, slide, "Doe, Jane.tiff")
    send(client, url, slide[:1000], 0)
    assert files_in(settings) == {f"{url[-32:]}.tiff"}


def test_files_and_folders_of_uploads_are_their_owners_alone(
    client: TestClient, settings: Settings, slide: bytes
) -> None:
    mask = os.umask(0)
    try:
        send(client, begin(client, slide), slide[:1000], 0)
        assert send(client, begin(client, slide), slide, 0).status_code == 201
    finally:
        os.umask(mask)
    below = list(settings.uploads.rglob("*"))
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in below}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_an_upload_can_be_cancelled(client: TestClient, settings: Settings, slide: bytes) -> None:
    url = begin(client, slide)
    send(client, url, slide[:100], 0)
    assert client.delete(url).status_code == 204
    assert files_in(settings) == set()
    assert error_of(send(client, url, slide[100:], 100)) == (404, "upload_not_found")


def grow_old(served: LibraryApp, settings: Settings, url: str, hours: float) -> None:
    """Have an upload begun, and last written to, so many hours ago."""
    before = datetime.now(UTC) - timedelta(hours=hours)
    for path in settings.uploads.rglob(f"{url[-32:]}*.tiff"):
        os.utime(path, (before.timestamp(), before.timestamp()))
    with served.database.session() as session:
        session.get_one(UploadRow, url[-32:]).begun_at = before


def test_an_upload_that_nobody_went_on_with_is_removed(settings: Settings, slide: bytes) -> None:
    with library_app(settings) as served:
        stale, fresh = (begin(served.seen_by(), slide) for _ in range(2))
        grow_old(served, settings, stale, 25)
    with library_app(settings) as served:
        client = served.seen_by()
        begin(client, slide)
        assert client.head(stale).status_code == 404
        assert not list(settings.uploads.rglob(f"{stale[-32:]}*"))
        assert client.head(fresh).status_code == 200


def test_an_upload_goes_on_after_the_time_of_day_was_set(
    served: LibraryApp, client: TestClient, settings: Settings, slide: bytes
) -> None:
    url = begin(client, slide)
    send(client, url, slide[:1000], 0)
    grow_old(served, settings, url, 25)  # as if the clock had been put forward since
    begin(client, slide)
    assert send(client, url, slide[1000:], 1000).status_code == 201


def test_an_account_has_so_many_uploads_in_progress(settings: Settings, slide: bytes) -> None:
    bounded = settings.model_copy(update={"upload_pending": 2})
    with library_app(bounded) as served:
        client, body = served.seen_by(), {"name": "a.tiff", "size": len(slide)}
        first, second = begin(client, slide), begin(client, slide)
        refused = client.post("/api/uploads", json=body)
        assert error_of(refused) == (429, "too_many_uploads")
        assert int(refused.headers["retry-after"]) > 0
        assert "2 uploads in progress" in refused.json()["error"]["message"]
        assert client.delete(first).status_code == 204
        third = begin(client, slide)
        grow_old(served, settings, second, 2)
    with library_app(bounded) as served:
        client = served.seen_by()  # an abandoned one makes room
        assert send(client, begin(client, slide), slide, 0).status_code == 201
        assert [client.head(url).status_code for url in (second, third)] == [404, 200]


def test_uploads_of_an_account_take_so_much_of_the_disk(settings: Settings, tmp_path: Path) -> None:
    content = write_slide(tmp_path / "x.tiff").read_bytes().ljust(600_000, b"\0")
    body = {"name": "a.tiff", "size": len(content)}
    with library_app(settings.model_copy(update={"upload_account_mib": 1})) as served:
        client = served.seen_by()
        assert send(client, begin(client, content), content, 0).status_code == 201
        refused = client.post("/api/uploads", json=body)
        assert error_of(refused) == (413, "uploads_too_large")
        assert "1 MiB" in refused.json()["error"]["message"]
        (entry,) = served.library.slides()
        entry.file.path.unlink()  # what is no longer on the disk does not count
        assert send(client, begin(client, content), content, 0).status_code == 201


def test_pending_files_of_earlier_versions_are_removed(settings: Settings) -> None:
    parts = settings.uploads / ".parts"
    parts.mkdir(parents=True)
    (parts / f"{'0' * 32}.json").write_text('{"name": "Doe, Jane.svs"}')
    (settings.uploads / "old.tiff").write_bytes(b"stays")
    with library_app(settings):
        assert files_in(settings) == {"old.tiff"}
