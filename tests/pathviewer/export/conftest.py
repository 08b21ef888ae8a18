"""A database with judged readings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pathviewer.export.made_labels import Labels, fill, new_labels


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[Labels]:
    """An empty database."""
    made = new_labels(tmp_path / "state")
    yield made
    made.database.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labels]:
    """Six slides judged in every way; not to be changed."""
    made = new_labels(tmp_path_factory.mktemp("labels") / "state")
    fill(made)
    yield made
    made.database.close()
