"""A database with judged readings, and exports of it opened again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import DatasetDict, load_dataset

from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from pathviewer.export.splits import Shares
from tests.pathviewer.export.made_labels import Labels, Loads, fill, new_labels

ALL = Shares(1, 0, 0)


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


@pytest.fixture
def load(tmp_path: Path) -> Loads:
    """Exports and opens the folder with `datasets`; each in a folder of its own."""
    made = iter(range(100))

    def export_and_load(labels: Labels, name: str, **told: Any) -> DatasetDict:
        out = tmp_path / f"out{next(made)}"
        export(
            labels.database,
            labels.blobs,
            ExportPlan(FORMATS[name], **({"shares": ALL} | told)),
            out,
        )
        return load_dataset(str(out), cache_dir=str(tmp_path / "cache"))

    return export_and_load
