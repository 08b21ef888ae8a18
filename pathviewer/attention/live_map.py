"""Live attention map: the map of the newest passage of a running completion."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from models.attention import attention_map, join_rows
from models.messages import AttentionRows, ImagePlacement
from models.reasoning.trace import parse
from pathviewer.attention.map_json import live_map_json
from pathviewer.attention.passages import WHOLE_COMPLETION, find_passages

MAP_SECONDS = 0.05
"""Minimum interval between two maps of one completion; a fast model writes a step in 0.1 s."""


class LiveAttentionMap:
    """Live map of one completion; maps are raw means over the layers."""

    def __init__(self, placement: ImagePlacement, seconds: float = MAP_SECONDS) -> None:
        self._seconds = seconds
        self._placement = placement
        self._parts: list[AttentionRows] = []
        self._ends: list[int] = []
        self._text = ""
        self._last_sent = 0.0

    def add_text(self, text: str) -> None:
        """Add the text of one token."""
        self._text += text
        self._ends.append(len(self._text))

    def add_rows(self, rows: AttentionRows) -> dict[str, Any] | None:
        """Add rows; return the newest passage's map as JSON, or None if no map is due."""
        mean = rows.rows.mean(axis=1, keepdims=True, dtype=np.float32)
        self._parts.append(AttentionRows("", 0, rows.first_token, mean))
        now = time.monotonic()
        if now - self._last_sent < self._seconds:
            return None
        newest = self._newest_map()
        self._last_sent = now if newest else self._last_sent
        return newest

    def _newest_map(self) -> dict[str, Any] | None:
        """Return the map of the last passage with rows; None before the first passage."""
        rows = join_rows(self._parts)
        spans = find_passages(parse(self._text, ended=False), self._ends)
        for name, tokens in reversed(spans):
            known_tokens = range(tokens.start, min(tokens.stop, len(rows.rows)))
            if name != WHOLE_COMPLETION and known_tokens:
                return live_map_json(name, attention_map(rows, (self._placement,), 0, known_tokens))
        return None
