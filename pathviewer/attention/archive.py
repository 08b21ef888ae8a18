"""Stored attention of one completion: a compressed NumPy archive.

Shares have half precision, as the engine gives them: one part in 2,000, or 3e-8 below 6e-5.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import cached_property
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.messages import AttentionRows
from pathviewer.attention import user_messages

MEDIA_TYPE = "application/x-npz"
"""Media type of the archive."""


@dataclass(frozen=True)
class StoredAttention:
    """Attention of a completion's tokens and of the neutral question."""

    rows: NDArray[np.float16]
    """(tokens, layers, picture tokens), as in AttentionRows."""
    neutral: NDArray[np.float16] | None
    """(layers, picture tokens): mean over the neutral completion's tokens; None if the neutral
    question was not asked or failed."""

    @cached_property
    def completion_rows(self) -> AttentionRows:
        """The completion's rows, as from an engine."""
        return AttentionRows("", 0, 0, self.rows)

    @cached_property
    def neutral_rows(self) -> AttentionRows | None:
        """The neutral mean as the rows of one token; None without neutral attention."""
        if self.neutral is None:
            return None
        return AttentionRows("", 0, 0, self.neutral[None])


def reduce_attention(rows: AttentionRows, neutral: AttentionRows | None) -> StoredAttention:
    """Reduce a completion's rows and the neutral rows to what is stored."""
    mean = None if neutral is None else neutral.rows.mean(axis=0, dtype=np.float64)
    return StoredAttention(
        rows.rows.astype(np.float16, copy=False), None if mean is None else mean.astype(np.float16)
    )


def pack_attention(attention: StoredAttention) -> bytes:
    """Pack attention into an archive."""
    file = io.BytesIO()
    if attention.neutral is None:
        np.savez_compressed(file, rows=attention.rows)
    else:
        np.savez_compressed(file, rows=attention.rows, neutral=attention.neutral)
    return file.getvalue()


def unpack_attention(archive: bytes) -> StoredAttention:
    """Unpack an archive. Raises ModelError if it is damaged or not an attention archive."""
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
            return StoredAttention(arrays["rows"], arrays.get("neutral"))
    except (ValueError, KeyError, EOFError, OSError, BadZipFile, zlib.error) as error:
        raise ModelError(user_messages.ATTENTION_DAMAGED) from error
