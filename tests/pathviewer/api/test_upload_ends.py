"""The last piece: sent twice, raced by a cancel, and while the folders are slow."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL, Identity
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from pathviewer.slides import uploads
from pathviewer.slides.errors import ReadersBusy
from pathviewer.slides.readers.pool import ReaderPool
from pathviewer.slides.upload_errors import UploadBeingChecked, UploadNotFound
from pathviewer.slides.uploads import Arrival, Upload, UploadLimits, UploadStore
from storage.audit import list_entries
from tests.databases import new_database
from tests.library_app import LibraryApp, library_app, write_slide
from tests.upload_client import begin, error_of, files_in, send


@pytest.fixture
def store(settings: Settings) -> Iterator[UploadStore]:
    """Uploads without the routes."""
    database = new_database(settings.database)
    yield UploadStore(settings.uploads, database, UploadLimits(2**20, 20, 2**30))
    database.close()


def received(store: UploadStore, content: bytes) -> Upload:
    """An upload that is complete and not finished."""
    upload = store.begin(LOCAL.account_id, "case.tiff", len(content))
    store.append(upload, 0, content)
    return upload


def test_the_last_piece_sent_again_is_answered_with_the_slide(
    served: LibraryApp, client: TestClient, settings: Settings, slide: bytes
) -> None:
    url = begin(client, slide)
    first = send(client, url, slide, 0)
    for again, offset in ((slide, 0), (slide[3000:], 3000), (b"", len(slide))):
        answer = send(client, url, again, offset)
        assert (answer.status_code, answer.json()) == (201, first.json())
    assert client.head(url).headers["Upload-Offset"] == str(len(slide))
    assert files_in(settings) == {f"{url[-32:]}.tiff"}
    with served.database.read_only() as session:
        assert len(list_entries(session)) == 1


def test_nobody_else_is_told_where_an_upload_went(
    served: LibraryApp, client: TestClient, slide: bytes
) -> None:
    url = begin(client, slide)
    send(client, url, slide, 0)
    other = served.seen_by(Identity("other", "other", Role.admin))
    assert error_of(send(other, url, b"", len(slide))) == (404, "upload_not_found")


def test_a_finished_upload_cannot_be_cancelled(
    client: TestClient, settings: Settings, slide: bytes
) -> None:
    url = begin(client, slide)
    send(client, url, slide, 0)
    assert error_of(client.delete(url)) == (404, "upload_not_found")
    assert files_in(settings) == {f"{url[-32:]}.tiff"}


def test_a_cancel_during_the_finish_either_wins_or_is_too_late(
    store: UploadStore, settings: Settings, slide: bytes
) -> None:
    for _ in range(30):
        upload = received(store, slide)
        outcomes: list[str] = []

        def finish(upload: Upload = upload, outcomes: list[str] = outcomes) -> None:
            try:
                store.finish(upload)
                outcomes.append("finished")
            except UploadNotFound:
                outcomes.append("finish too late")

        thread = threading.Thread(target=finish)
        thread.start()
        try:
            store.cancel(upload)
            outcomes.append("cancelled")
        except (UploadNotFound, UploadBeingChecked):
            outcomes.append("cancel too late")
        thread.join()
        assert sorted(outcomes) in (
            ["cancel too late", "finished"],
            ["cancelled", "finish too late"],
        )
    assert not list((settings.uploads / uploads.PARTS).iterdir())


def test_a_file_that_cannot_be_put_in_its_place_leaves_no_empty_slide(
    store: UploadStore, settings: Settings, slide: bytes
) -> None:
    settings.uploads.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:  # another file system
        (settings.uploads / uploads.PARTS).symlink_to(elsewhere)
        upload = received(store, slide)
        with pytest.raises(OSError, match="cross-device"):
            store.finish(upload)
        assert store.count_received(upload) == len(slide)
    assert files_in(settings) == set()


def test_where_an_upload_went_is_known_after_a_restart(settings: Settings, slide: bytes) -> None:
    with library_app(settings) as before:
        url = begin(before.seen_by(), slide)
        first = send(before.seen_by(), url, slide, 0)
    with library_app(settings) as after:
        again = send(after.seen_by(), url, b"", len(slide))
        assert (again.status_code, again.json()) == (201, first.json())


def test_an_upload_whose_row_was_not_written_in_time_has_arrived(
    served: LibraryApp, settings: Settings, slide: bytes
) -> None:
    client = served.seen_by()
    url = begin(client, slide)
    upload_id = url[-32:]
    part = settings.uploads / uploads.PARTS / upload_id
    (part / f"{upload_id}.tiff").write_bytes(slide)
    part.rename(settings.uploads / upload_id)  # and there the program was killed
    assert client.head(url).headers["Upload-Offset"] == str(len(slide))
    answer = send(client, url, b"", len(slide))
    (entry,) = served.library.slides()
    assert (answer.status_code, answer.json()["slide_id"]) == (201, entry.id)


def test_the_answer_does_not_wait_for_a_look_through_the_folders(
    served: LibraryApp, client: TestClient, settings: Settings, slide: bytes
) -> None:
    write_slide(settings.uploads / "not looked at yet.tiff", 7)
    answer = send(client, begin(client, slide), slide, 0)
    assert [entry.id for entry in served.library.slides()] == [answer.json()["slide_id"]]


def test_a_slide_that_arrives_during_a_look_stays_listed(
    served: LibraryApp, settings: Settings
) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            served.library.rescan()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(30):
            path = write_slide(settings.uploads / f"{number}.tiff", number)
            entry = served.library.add(path)
            assert entry is not None
            assert served.library.find_by_path(path) == entry
    finally:
        stop.set()
        thread.join()
    assert len(served.library.slides()) == 30


def test_a_complete_upload_outlives_readers_that_are_shut_down(
    settings: Settings, slide: bytes
) -> None:
    database = new_database(settings.database)
    limits = UploadLimits(2**20, 20, 2**30)
    readers = ReaderPool(settings)
    readers.close()
    stopping = UploadStore(settings.uploads, database, limits, readers)
    upload = received(stopping, slide)
    with pytest.raises(ReadersBusy):
        stopping.finish(upload)
    store = UploadStore(settings.uploads, database, limits)
    arrival = Arrival(upload, store.finish(upload))
    for each in (stopping, store):  # it cannot be listed now, and opens after all
        each.discard(arrival)
        assert arrival.path.read_bytes() == slide
    arrival.path.write_bytes(b"damaged")
    store.discard(arrival)
    assert files_in(settings) == set()
    assert list(settings.uploads.glob("[0-9a-f]*")) == []
    database.close()
