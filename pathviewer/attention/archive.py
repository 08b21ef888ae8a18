"""The attention of one completion as it is kept: a compressed NumPy archive.

Half precision: a share is kept to one part in 2,000, or to 3e-8 where it is below 6e-5.
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

MEDIA_TYPE = "application/x-npz"
"""Of the archive."""


@dataclass(frozen=True)
class StoredAttention:
    """Where a completion's tokens looked, and where those of a neutral question did."""

    rows: NDArray[np.float16]
    """(tokens, layers, picture tokens), as in AttentionRows."""
    neutral: NDArray[np.float16] | None
    """(layers, picture tokens): mean over the neutral answer's tokens; None where none was asked
    or it could not be answered."""

    @cached_property
    def completion_rows(self) -> AttentionRows:
        """The completion's rows as a backend gives them."""
        return AttentionRows("", 0, 0, self.rows.astype(np.float32))

    @cached_property
    def neutral_rows(self) -> AttentionRows | None:
        """The neutral rows as one token's."""
        if self.neutral is None:
            return None
        return AttentionRows("", 0, 0, self.neutral[None].astype(np.float32))


def reduce_attention(rows: AttentionRows, neutral: AttentionRows | None) -> StoredAttention:
    """What is kept of the rows of a whole completion and of a neutral answer."""
    mean = None if neutral is None else neutral.rows.mean(axis=0, dtype=np.float64)
    return StoredAttention(
        rows.rows.astype(np.float16), None if mean is None else mean.astype(np.float16)
    )


def pack_attention(attention: StoredAttention) -> bytes:
    """The archive."""
    file = io.BytesIO()
    if attention.neutral is None:
        np.savez_compressed(file, rows=attention.rows)
    else:
        np.savez_compressed(file, rows=attention.rows, neutral=attention.neutral)
    return file.getvalue()


def unpack_attention(archive: bytes) -> StoredAttention:
    """The attention in an archive; raises ModelError where it is none of ours."""
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
            return StoredAttention(arrays["rows"], arrays.get("neutral"))
    except (ValueError, KeyError, EOFError, OSError, BadZipFile, zlib.error) as error:
        raise ModelError("The attention of this answer is damaged; ask again.") from error
