"""A program that starts lets go of the attention that is beyond its bound."""

from __future__ import annotations

import time
from pathlib import Path

from pathviewer.attention.retention import sweep_attention
from pathviewer.settings import Settings
from storage.audit import list_entries
from storage.blobs import BlobStore
from storage.database import open_database
from storage.questions.store import find_completion
from tests.servers import running
from tests.storage.questions.test_retention import looked


def test_the_start_brings_attention_within_its_bound(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, attention_mib=0)
    store, database = BlobStore(settings.blobs), open_database(settings.database)
    (completion,) = looked(database, store, [100])
    assert sweep_attention(database, store, attention_mib=1) == 0
    with running(settings):
        until = time.monotonic() + 20
        while len(list(store.list_names())) > 1 and time.monotonic() < until:
            time.sleep(0.02)
    with database.read_only() as session:
        assert find_completion(session, completion).attention_sha256 is None
        (entry,) = list_entries(session)
    database.close()
    assert (entry.action, entry.detail["files"]) == ("forgot_attention", 1)
    assert len(list(store.list_names())) == 1  # the picture stays
