"""Evidence maps as numbers for the browser, in nats: the change of log-probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.messages import ImagePlacement
from models.reasoning.trace import parse
from pathviewer.attention.map_json import TOKENS, utf16_edges
from pathviewer.attention.passages import find_passages
from pathviewer.evidence import user_messages
from pathviewer.evidence.archive import PlaceTest, StoredEvidence, WordLosses
from pathviewer.evidence.check_method import check_method_json

DIGITS = 5
"""Decimals of a loss."""


@dataclass(frozen=True)
class CompletionEvidence:
    """A completion with its evidence in its one picture."""

    text: str
    """The completion's text."""
    token_ends: tuple[int, ...]
    """End of each token, in characters of `text`."""
    placement: ImagePlacement
    """Placement of the picture."""
    evidence: StoredEvidence
    """Losses and tests."""

    def list_passages(self) -> list[tuple[str, range]]:
        """Names and tokens of the passages. Raises ModelError for an empty completion."""
        named = find_passages(parse(self.text), self.token_ends)
        if not named:
            raise ModelError(user_messages.ANSWER_EMPTY)
        return named

    def check_tokens(self, tokens: range) -> WordLosses:
        """The losses of all tokens, after a check that these exist.

        Raises ModelError for tokens that the completion does not have, and for the quick form.
        """
        if self.evidence.words is None:
            raise ModelError(user_messages.NO_WORDS_IN_QUICK_FORM)
        count = len(self.token_ends)
        if not 0 <= tokens.start < tokens.stop <= count:
            raise ModelError(user_messages.no_such_tokens(tokens.start, tokens.stop - 1, count))
        return self.evidence.words

    def losses(self, name: str, tokens: range) -> tuple[NDArray[np.float32], float | None]:
        """(rows, columns) loss of a passage by cell, and its loss without the region; nats.

        The quick form has no unit and no loss without the region. An answer that the model would
        not give without its reasoning has the losses of both.
        """
        evidence = self.evidence
        if evidence.words is None:
            return evidence.quick[name].astype(np.float32), None
        words = evidence.words
        if name == "answer":
            words, tokens = evidence.words, range(len(self.token_ends))
            if evidence.answer is not None:
                words, tokens = evidence.answer, range(1)
        return words.cell_map(tokens), words.region_loss(tokens)


def evidence_json(
    completion: CompletionEvidence,
    tokens: range | None = None,
    test: PlaceTest | None = None,
) -> dict[str, Any]:
    """Return the evidence of every passage, or of the given tokens with their test.

    Raises ModelError for tokens that do not exist and for an empty completion.
    """
    edges = utf16_edges(completion.text, completion.token_ends)
    if tokens is None:
        named = completion.list_passages()
        tests = dict(completion.evidence.tests)
    else:
        completion.check_tokens(tokens)
        named, tests = [(TOKENS, tokens)], ({TOKENS: test} if test else {})
    return {
        "columns": completion.placement.columns,
        "rows": completion.placement.rows,
        "box": vars(completion.placement.box),
        "unit": None if completion.evidence.words is None else "nats",
        "method": _method_json(completion.evidence.method),
        "passages": [
            _passage_json(completion, name, span, edges, tests.get(name)) for name, span in named
        ],
        "tokens": [{"start": a, "end": b} for a, b in pairwise(edges)],
    }


def _passage_json(
    completion: CompletionEvidence,
    name: str,
    span: range,
    edges: list[int],
    test: PlaceTest | None,
) -> dict[str, Any]:
    cells, region = completion.losses(name, span)
    return {
        "name": name,
        "first": span.start,
        "stop": span.stop,
        "start": edges[span.start],
        "end": edges[span.stop],
        "losses": np.round(cells.astype(np.float64), DIGITS).ravel().tolist(),
        "region_loss": None if region is None else round(region, DIGITS),
        "test": None
        if test is None
        else asdict(test) | {"elsewhere": list(test.elsewhere), "cells": list(test.cells)},
    }


def _method_json(method: Mapping[str, Any]) -> dict[str, Any]:
    check = method["check"]
    shown = check and check_method_json(check["fill"], check["version"], check["controls"])
    return dict(method, check=shown)
