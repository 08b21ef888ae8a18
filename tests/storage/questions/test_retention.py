"""Attention and evidence are kept within a bound, the oldest goes first, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from storage.blobs import BlobKind, BlobStore, list_blobs, store_blob
from storage.database import Database
from storage.questions.retention import forget_attention, remove_files
from storage.questions.store import (
    add_completion,
    find_completion,
    set_attention,
    set_evidence,
)
from tests.storage.reading_rows import COMPLETION, stored_reading

KINDS: tuple[tuple[BlobKind, Callable[[Session, str, str | None], None]], ...] = (
    ("attention", set_attention),
    ("evidence", set_evidence),
)
"""With what refers to a file of the kind."""


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """Empty."""
    return BlobStore(tmp_path / "blobs")


def looked(database: Database, store: BlobStore, sizes: list[int]) -> list[str]:
    """Completions with a file of so many bytes, the oldest first; a picture beside them.

    Every second file is evidence, the others attention.
    """
    completions: list[str] = []
    for index, size in enumerate(sizes):
        with database.session() as session:
            store_blob(session, store, b"picture" * 1000, "pixels", "image/png")
            if not completions:
                reading = stored_reading(session).id
            completion = add_completion(session, reading, replace(COMPLETION, index=index))
            data = bytes([index + 1]) * size
            kind, set_file = KINDS[index % 2]
            set_file(session, completion.id, store_blob(session, store, data, kind, "x"))
            completions.append(completion.id)
    return completions


def kept(database: Database, completions: list[str]) -> list[bool]:
    """Whether each completion has its file."""
    with database.read_only() as session:
        found = [find_completion(session, one) for one in completions]
    return [bool(one.attention_sha256 or one.evidence_sha256) for one in found]


@pytest.mark.parametrize(
    ("most", "left"),
    [
        (600, [True, True, True]),  # all of it fits
        (599, [False, True, True]),
        (500, [False, True, True]),
        (299, [False, False, False]),  # the newest alone is larger
        (0, [False, False, False]),
    ],
)
def test_the_oldest_goes_until_the_rest_fits(
    database: Database, store: BlobStore, most: int, left: list[bool]
) -> None:
    completions = looked(database, store, [100, 200, 300])
    with database.session() as session:
        assert forget_attention(session, most) == left.count(False)
    assert kept(database, completions) == left
    assert remove_files(database, store) == left.count(False)
    assert remove_files(database, store) == 0
    assert len(list(store.list_names())) == 1 + left.count(True)
    with database.read_only() as session:
        for kind, _ in KINDS:
            assert all(store.check(row.sha256) == "ok" for row in list_blobs(session, kind=kind))


def test_what_is_kept_again_stays(database: Database, store: BlobStore) -> None:
    (completion,) = looked(database, store, [100])
    with database.session() as session:
        forget_attention(session, 0)
        sha256 = store_blob(session, store, b"\x01" * 100, "attention", "application/zip")
        set_attention(session, completion, sha256)
    assert remove_files(database, store) == 0
    assert store.check(sha256) == "ok"


def test_a_file_that_was_cut_off_goes_after_a_while(store: BlobStore, tmp_path: Path) -> None:
    store.put(b"whole")
    old, new = (tmp_path / "blobs" / "incoming" / name for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"ha")
    os.utime(old, (1, 1))
    assert store.clear_unfinished(3600) == 1
    assert store.list_unfinished() == [new]
