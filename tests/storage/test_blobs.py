"""Files by their SHA-256: whole or not there at all."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from storage.blobs import BlobStore, find_blob, list_blobs, mark_removed, store_blob
from storage.database import Database
from storage.errors import BlobError

DATA = b"\x89PNG and so on"
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """Empty; its folder is made by the first file."""
    return BlobStore(tmp_path / "blobs")


def test_bytes_are_kept_once_found_and_removed(store: BlobStore, tmp_path: Path) -> None:
    assert [store.put(DATA), store.put(DATA)] == [SHA, SHA]
    path = tmp_path / "blobs" / SHA[:2] / SHA
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o077 == 0
    assert store.get(SHA) == DATA
    assert list(store.list_names()) == [SHA]
    assert store.list_unfinished() == []
    for _ in range(2):
        store.remove(SHA)
    assert store.check(SHA) == "missing"
    with pytest.raises(BlobError, match="is missing"):
        store.get(SHA)


def test_damage_is_found(store: BlobStore, tmp_path: Path) -> None:
    store.put(DATA)
    assert store.check(SHA) == "ok"
    (tmp_path / "blobs" / SHA[:2] / SHA).write_bytes(DATA[:-1])
    assert store.check(SHA) == "damaged"
    with pytest.raises(BlobError, match="damaged"):
        store.get(SHA)


def test_a_file_cut_off_has_no_name_and_is_found(store: BlobStore, tmp_path: Path) -> None:
    (tmp_path / "blobs" / "incoming").mkdir(parents=True)
    (tmp_path / "blobs" / "incoming" / "tmp1").write_bytes(DATA[:5])
    assert list(store.list_names()) == []
    assert [path.name for path in store.list_unfinished()] == ["tmp1"]


def test_what_is_being_written_is_not_cleared_whatever_the_time_of_day(store: BlobStore) -> None:
    done = threading.Event()

    def clear() -> None:
        while not done.is_set():
            store.clear_unfinished(-3600)  # as if the clock had been put forward by an hour

    thread = threading.Thread(target=clear)
    thread.start()
    try:
        for number in range(200):
            store.put(str(number).encode())
    finally:
        done.set()
        thread.join()
    assert len(list(store.list_names())) == 200


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BlobError, match="data folder cannot be") as caught:
        BlobStore(tmp_path / "file").put(DATA)
    assert str(tmp_path) not in str(caught.value)


def test_the_row_comes_with_the_file_and_outlives_it(database: Database, store: BlobStore) -> None:
    with database.session() as session:
        for _ in range(2):
            assert store_blob(session, store, DATA, "pixels", "image/png") == SHA
        assert find_blob(session, "0" * 64) is None
    with database.session() as session:
        (row,) = list_blobs(session, kind="pixels")
        assert (row.byte_count, row.media_type) == (len(DATA), "image/png")
        assert list_blobs(session, kind="attention") == []
        mark_removed(session, SHA)
        assert list_blobs(session) == []
        gone = find_blob(session, SHA)
        assert gone is not None
        assert gone.removed_at is not None
    with database.session() as session:
        store_blob(session, store, DATA, "pixels", "image/png")
        assert [blob.sha256 for blob in list_blobs(session)] == [SHA]


def test_a_file_removed_meanwhile_is_written_again(database: Database, store: BlobStore) -> None:
    store.put(DATA)
    store.remove(SHA)
    with database.session() as session:
        store_blob(session, store, DATA, "pixels", "image/png")
    assert store.check(SHA) == "ok"
