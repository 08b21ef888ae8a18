"""What many tests about slides begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.databases import new_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    database = new_database(f"sqlite:///{tmp_path / 'state' / 'test.sqlite3'}")
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty slide folder."""
    folder = tmp_path / "slides"
    folder.mkdir()
    return folder
