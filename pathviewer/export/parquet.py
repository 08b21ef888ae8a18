"""Rows in one Parquet file per split, written in small batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pathviewer.export.columns import Column, schema

ROWS = 32
"""Rows per row group: pictures are large, and readers load one group at a time."""


class SplitFiles:
    """Writes `train.parquet` and so on; a split without rows has no file."""

    def __init__(self, folder: Path, columns: Sequence[Column]) -> None:
        self.rows: Counter[str] = Counter()
        """Rows by split."""
        self._folder = folder
        self._schema = schema(columns)
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._opened = ExitStack()  # closes each file, also after another one's failure

    def __enter__(self) -> SplitFiles:
        """Return self."""
        return self

    def add(self, split: str, row: dict[str, Any]) -> None:
        """Add a row; OSError if writing fails."""
        rows = self._waiting.setdefault(split, [])
        rows.append(row)
        self.rows[split] += 1
        if len(rows) >= ROWS:
            self._write(split)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write pending rows, unless there was an error, and close."""
        with self._opened:
            if kind is None:
                for split in sorted(self._waiting):
                    self._write(split)
                for writer in self._writers.values():
                    writer.close()

    def _write(self, split: str) -> None:
        rows = self._waiting[split]
        if not rows:
            return
        if split not in self._writers:
            file = self._opened.enter_context((self._folder / f"{split}.parquet").open("wb"))
            self._writers[split] = pq.ParquetWriter(file, self._schema)
            self._opened.callback(_discard, self._writers[split])
        batch = pa.RecordBatch.from_pylist(rows, schema=self._schema)
        self._writers[split].write_batch(batch)
        self._waiting[split] = []


def _discard(writer: pq.ParquetWriter) -> None:
    """Close a writer whose incomplete file is removed; does nothing if it is closed."""
    with suppress(OSError, ValueError):
        writer.close()
