"""Stored evidence of one completion: a compressed NumPy archive."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.evidence import Claim
from pathviewer.evidence import user_messages

MEDIA_TYPE = "application/x-npz"
"""Media type of the archive."""


@dataclass(frozen=True)
class WordLosses:
    """What each token of a text loses with each cell occluded, in nats."""

    cells: NDArray[np.float16]
    """(rows, columns, tokens): loss of log-probability."""
    region: NDArray[np.float32]
    """(tokens,): loss with all cells occluded."""

    def cell_map(self, tokens: range) -> NDArray[np.float32]:
        """(rows, columns): loss of some tokens together."""
        chosen = self.cells[:, :, tokens.start : tokens.stop]
        total: NDArray[np.float32] = chosen.sum(2, dtype=np.float64).astype(np.float32)
        return total

    def region_loss(self, tokens: range) -> float:
        """Loss of some tokens together with all cells occluded."""
        return float(self.region[tokens.start : tokens.stop].sum(dtype=np.float64))


@dataclass(frozen=True)
class PlaceTest:
    """Whether a passage depends on the strongest tenth of its map."""

    claim: Claim
    """What it depends on."""
    sentence: str
    """The claim for people."""
    as_is: float
    """Probability of the words with the picture as it is, 0 to 1."""
    blanked: float
    """Without the picture."""
    masked: float
    """With the place masked."""
    elsewhere: tuple[float, ...]
    """With other places of the same shape masked; empty if the claim is settled before."""
    cells: tuple[int, ...]
    """Cells of the place, counted in row-major order."""


@dataclass(frozen=True)
class StoredEvidence:
    """Evidence of a completion: losses with tests, or the quick form, which claims nothing."""

    method: Mapping[str, Any]
    """How it was found: `name`, and whether it is the `quick` form."""
    words: WordLosses | None = None
    """Losses of the completion's tokens; None in the quick form."""
    answer: WordLosses | None = None
    """Losses of the answer without its reasoning, as one token; None without an answer,
    and where the model would not give it without reasoning."""
    tests: Mapping[str, PlaceTest] = field(default_factory=dict)
    """Test of each passage, by its name."""
    quick: Mapping[str, NDArray[np.float16]] = field(default_factory=dict)
    """(rows, columns) of each passage in the quick form, by its name; no unit."""


def pack_evidence(evidence: StoredEvidence) -> bytes:
    """Pack evidence into an archive."""
    arrays: dict[str, NDArray[Any]] = {}
    for name, values in evidence.quick.items():
        arrays[f"quick {name}"] = values
    for name, losses in (("words", evidence.words), ("answer", evidence.answer)):
        if losses is not None:
            arrays |= {f"{name} cells": losses.cells, f"{name} region": losses.region}
    tests = {name: asdict(test) for name, test in evidence.tests.items()}
    facts = json.dumps({"tests": tests, "method": dict(evidence.method)})
    arrays["facts"] = np.frombuffer(facts.encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack_evidence(archive: bytes) -> StoredEvidence:
    """Unpack an archive. Raises ModelError if it is damaged or not an evidence archive."""
    try:
        with np.load(io.BytesIO(archive), allow_pickle=False) as file:
            arrays = dict(file)
        facts = json.loads(arrays.pop("facts").tobytes())
        return StoredEvidence(
            method=facts["method"],
            words=_losses(arrays, "words"),
            answer=_losses(arrays, "answer"),
            tests={name: _test(values) for name, values in facts["tests"].items()},
            quick={
                name.removeprefix("quick "): map_
                for name, map_ in arrays.items()
                if name.startswith("quick ")
            },
        )
    except (ValueError, KeyError, TypeError, EOFError, OSError, BadZipFile, zlib.error) as error:
        raise ModelError(user_messages.EVIDENCE_DAMAGED) from error


def _losses(arrays: Mapping[str, NDArray[Any]], name: str) -> WordLosses | None:
    cells = arrays.get(f"{name} cells")
    return None if cells is None else WordLosses(cells, arrays[f"{name} region"])


def _test(values: dict[str, Any]) -> PlaceTest:
    lists = {name: tuple(values[name]) for name in ("elsewhere", "cells")}
    return PlaceTest(**values | lists)
