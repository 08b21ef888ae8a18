"""While readers look at an upload: who waits for that, who does not, and what is kept."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pathviewer.auth.identity import LOCAL, Identity
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from pathviewer.slides.errors import ReadersBusy
from pathviewer.slides.intake_opener import LIBRARY, DicomIdentity, DirectOpener
from pathviewer.slides.readers.pool import ReaderPool
from pathviewer.slides.slide_facts import SlideFacts
from pathviewer.slides.uploads import Upload, UploadLimits, UploadStore
from tests.databases import new_database
from tests.dicom_series import write_series
from tests.hostile_slides import write_endless
from tests.library_app import library_app
from tests.upload_client import begin, error_of, send

PATIENCE = 30.0
SHARED_THREADS = 40


def test_nobody_waits_while_an_upload_is_checked(tmp_path: Path, slide: bytes) -> None:
    settings = Settings(data=tmp_path / "state", upload_limit_mib=1, reader_seconds=300)
    endless = write_endless(tmp_path / "endless.svslide").read_bytes()
    readers = ReaderPool(settings)
    with library_app(settings, readers) as served, served.seen_by() as client:
        url = begin(client, endless, "endless.svslide")
        with ThreadPoolExecutor(SHARED_THREADS + 10) as people:
            checked = people.submit(send, client, url, endless, 0)
            until = time.monotonic() + PATIENCE
            while not readers.calls_begun and time.monotonic() < until:
                time.sleep(0.02)
            try:
                asked = [people.submit(client.delete, url) for _ in range(SHARED_THREADS)]
                asked += [people.submit(send, client, url, endless, 0) for _ in range(5)]
                for answer in [each.result(PATIENCE) for each in asked]:
                    assert error_of(answer) == (409, "upload_being_checked")
                    assert int(answer.headers["Retry-After"]) > 0
                    assert "endless.svslide is being checked" in answer.text
                assert client.head(url).headers["Upload-Offset"] == str(len(endless))
                other = served.seen_by(Identity("other", "other", Role.admin))
                assert error_of(other.delete(url)) == (404, "upload_not_found")
                assert send(client, begin(client, slide), slide[:99], 0).status_code == 200
                assert not checked.done()
            finally:
                readers.close()
            assert error_of(checked.result(PATIENCE)) == (503, "readers_unavailable")
        assert client.head(url).headers["Upload-Offset"] == str(len(endless))
        assert client.delete(url).status_code == 204


class BusyOnce(DirectOpener):
    """Opens files here, but for the first question about a series; notes who asked."""

    def __init__(self) -> None:
        self.requesters: list[str] = []
        self._busy = True

    def facts(self, path: Path, name: str, requester: str = LIBRARY) -> SlideFacts:
        """As of `Opener`."""
        self.requesters.append(requester)
        return super().facts(path, name, requester)

    def dicom_identity(self, path: Path, requester: str = LIBRARY) -> DicomIdentity:
        """As of `Opener`."""
        self.requesters.append(requester)
        if self._busy:
            self._busy = False
            raise ReadersBusy("Slides cannot be read at the moment.")
        return super().dicom_identity(path, requester)


def test_an_upload_whose_series_nobody_can_tell_now_is_finished_later(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "state")
    database = new_database(settings.database)
    opener = BusyOnce()
    store = UploadStore(settings.uploads, database, UploadLimits(2**20, 20, 2**30), opener)
    (tmp_path / "series").mkdir()
    folders: list[Path] = []
    for file in write_series(tmp_path / "series", 64, 32):
        upload = received(store, file)
        if not folders:
            with pytest.raises(ReadersBusy):
                store.finish(upload)
            assert store.count_received(upload) == upload.size
        folders.append(store.finish(upload).parent)
    assert folders[0] == folders[1]
    assert set(opener.requesters) == {LOCAL.account_id}
    database.close()


def received(store: UploadStore, file: Path) -> Upload:
    """A DICOM file that an account sent and nobody has checked."""
    content = file.read_bytes()
    upload = store.begin(LOCAL.account_id, "a.dcm", len(content))
    store.append(upload, 0, content)
    return upload
