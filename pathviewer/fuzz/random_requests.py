"""Seeded random requests to every route, with unusual methods, paths, headers and bodies."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO")
PARAMETERS = (
    *("limit", "before", "slide", "first", "stop", "size", "x", "y", "width", "height", "after"),
    *("max_pixels", "since", "until", "model", "task", "organ", "rater", "votes", "session_hash"),
    *("bounds_offset", "visitor", "next", "__theme", "deep_link", "view", "page"),
)
FIELDS = (
    *("slide", "box", "points", "question", "options", "context", "findings", "task", "sampling"),
    *("max_pixels", "count", "blind", "paint_outside", "name", "shape", "size", "alias", "mpp"),
    *("completion", "kind", "key", "verdict", "steps", "absences", "confidence", "answer", "other"),
    *("format", "rule", "splits", "models", "raters", "cases", "since", "passage", "choice"),
    *("data", "fn_index", "session_hash", "event_id", "event_data", "trigger_id", "x", "y"),
    *("width", "height", "temperature", "seed", "max_new_tokens", "comment", "seconds", "left"),
    *("known_length", "from", "to", "um"),
)
HEADERS = (
    *("upload-offset", "last-event-id", "accept", "content-type", "if-none-match", "cookie"),
    *("range", "x-pathviewer-visitor", "authorization", "x-forwarded-for", "content-encoding"),
)
BOX = {"x": 100, "y": 100, "width": 448, "height": 448}
CORNERS = [[100, 100], [500, 100], [500, 500]]
QUESTION_BODY = {
    "slide": "{slide}",
    "box": BOX,
    "question": "What is it?",
    "options": ["a", "b"],
    "context": {"organ": "lung"},
    "findings": [],
    "task": "cellularity",
    "points": CORNERS,
    "paint_outside": True,
    "sampling": {"temperature": 0.5, "seed": 1, "max_new_tokens": 8},
    "max_pixels": 12_544,
    "count": 1,
    "blind": False,
}
STEP = {"step": 0, "events": [], "quote": "x", "start": 0, "stop": 1, "step_class": None}
LIKELY_BODIES: tuple[dict[str, Any], ...] = (
    QUESTION_BODY,
    {"key": "k", "completion": "{completion}", "kind": "verdict", "verdict": "correct"},
    {"key": "k", "completion": "{completion}", "kind": "labels", "absences": [], "steps": [STEP]},
    {"key": "k", "completion": "{completion}", "kind": "evidence", "box": BOX, "points": CORNERS},
    {"format": "sft", "rule": "each", "splits": "0.8,0.1,0.1", "models": ["x"], "since": None},
    {"name": "a", "shape": "polygon", "points": CORNERS},
    {"name": "a.svs", "size": 99},
    {"alias": "a slide", "mpp": 0.5},
    {"known_length": {"from": [0, 0], "to": [400, 300], "um": 250}},
    {"answer": "a", "confidence": 3},
    {"choice": "left", "reasons": [], "comment": "x", "seconds": 1.5, "key": "k"},
    {"passage": "all"},
)
"""Valid bodies, in which one or two values are then replaced."""
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/x", "")


@dataclass(frozen=True)
class RandomRequest:
    """One request as sent."""

    method: str
    """Method, possibly invalid."""

    target: str
    """Path and query, ASCII."""

    headers: tuple[tuple[str, str], ...]
    """Headers besides Host, Origin and Content-Length."""

    body: bytes
    """Body; empty for none."""


class RequestSource:
    """Random requests, determined by seed, routes and ids."""

    def __init__(
        self,
        seed: int,
        routes: Sequence[tuple[str, str]],
        ids: Mapping[str, str],
        endpoints: Mapping[str, Sequence[str]],
    ) -> None:
        """Take `routes` as methods and paths with `{name}` for variable parts.

        `ids` are real ids by kind, `endpoints` the parameters of each named endpoint.
        """
        self._random = random.Random(seed)
        self._routes = list(routes)
        self._ids = list(ids.values())
        self._likely = [fill_ids(each, ids) for each in LIKELY_BODIES]
        self._endpoints = endpoints

    def request(self) -> RandomRequest:
        """Return the next request."""
        rng = self._random
        method, path = rng.choice(self._routes)
        path = path.replace("{endpoint}", rng.choice(list(self._endpoints)))
        if rng.random() < 0.1:
            method = rng.choice(METHODS)
        target = self._path(path) + self._query()
        body = b"" if method in ("GET", "HEAD") and rng.random() < 0.95 else self._body(path)
        return RandomRequest(method, target, self._headers(), body)

    def _path(self, path: str) -> str:
        rng = self._random
        parts = [self._segment() if "{" in part else part for part in path.split("/")]
        if rng.random() < 0.03:
            parts.insert(rng.randrange(1, len(parts) + 1), self._odd_segment())
        if rng.random() < 0.02:
            parts[-1] = "a" * rng.choice((200, 256, 5_000, 20_000))
        return "/".join(parts) or "/"

    def _segment(self) -> str:
        if self._random.random() < 0.6:
            return quote(self._random.choice(self._ids), safe="")
        return self._odd_segment()

    def _odd_segment(self) -> str:
        rng = self._random
        kinds = ("0", "7", "-1", "..", "%2e%2e", "%00", "%ff%fe", "%ed%a0%80", "%2f", "a%0ab", "é")
        odd = rng.choice((*kinds, "9" * 19, "9" * 5_000, "x" * 300, "predict", "slides", "left"))
        return quote(odd, safe="%") if rng.random() < 0.9 else f"{odd}{odd}".replace("é", "e")

    def _query(self) -> str:
        rng = self._random
        if rng.random() < 0.6:
            return ""
        pairs = [
            f"{rng.choice(PARAMETERS)}={self._segment() if rng.random() < 0.7 else self._day()}"
            for _ in range(rng.randrange(1, 4))
        ]
        return "?" + "&".join(pairs)

    def _day(self) -> str:
        return self._random.choice(("2026-01-31", "9999-12-31", "0001-01-01", "2026-13-99", "1e9"))

    def _headers(self) -> tuple[tuple[str, str], ...]:
        rng = self._random
        headers = [("content-type", rng.choice(TYPES))]
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            values = (
                "0",
                "9" * 19,
                "9" * 5_000,
                "-1",
                "x" * 3_000,
                "text/html",
                "bytes=0-",
                "a=b;",
            )
            headers.append((rng.choice(HEADERS), rng.choice(values)))
        return tuple(headers)

    def _body(self, path: str) -> bytes:
        rng = self._random
        kind = rng.random()
        if kind < 0.05:
            return rng.randbytes(rng.randrange(200))
        if kind < 0.08:
            depth = rng.choice((50, 70, 1_000, 100_000))
            return b'{"data": ' + b"[" * depth + b"]" * depth + b"}"
        if kind < 0.09:
            return b'{"data": [' + b"[]," * rng.choice((1_000, 100_000, 500_000)) + b"1]}"
        if kind < 0.1:
            return b" " * 2**21
        if "gradio" in path and rng.random() < 0.8:
            return self._encoded(self._call(path))
        return self._encoded(self._document())

    def _encoded(self, document: Any) -> bytes:
        """Encode as JSON, occasionally with invalid values or ones that no database stores."""
        text = json.dumps(document)
        rng = self._random
        if rng.random() < 0.1:
            odd = ("NaN", "-Infinity", "1e999", "9" * 5_000, "9" * 400, '"\\ud800"', '"\\u0000"')
            text = text.replace("null", rng.choice(odd), 1)
        if rng.random() < 0.03:
            text = text[: rng.randrange(len(text) + 1)]
        return text.encode()

    def _call(self, path: str) -> dict[str, Any]:
        rng = self._random
        parameters = self._endpoints.get(path.rpartition("/")[2])
        if parameters is not None and rng.random() < 0.7:
            values = {name: self._likely_value(name) for name in parameters}
            return values if "/v2/" in path else {"data": list(values.values())}
        call: dict[str, Any] = {
            "data": [self._value(2) for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 6, 14)))],
            "fn_index": rng.choice((*range(40), -1, 10**6, "1", None, 1.5)),
            "session_hash": rng.choice((*self._ids[:5], "a", "../a", "", None, 5)),
        }
        if rng.random() < 0.3:
            call["event_id"] = self._value(0)
        if rng.random() < 0.3:
            call |= {"event_data": self._value(2), "trigger_id": rng.choice((1, -1, "x", None))}
        if rng.random() < 0.1:
            call |= {"batched": True, "simple_format": True}
        return call

    def _document(self) -> dict[str, Any]:
        rng = self._random
        if rng.random() < 0.4:
            return {name: self._value(3) for name in rng.sample(FIELDS, rng.randrange(6))}
        document = dict(rng.choice(self._likely))
        for name in rng.sample(list(document), min(len(document), rng.choice((0, 1, 1, 2)))):
            document[name] = self._value(3)
        return document

    def _likely_value(self, name: str) -> Any:
        """Return a value that usually fits a parameter of this name."""
        values = [each[name] for each in self._likely if name in each]
        if self._random.random() < 0.2 or not values:
            return self._value(2)
        return self._random.choice(values)

    def _value(self, depth: int) -> Any:
        rng = self._random
        if depth and rng.random() < 0.3:
            if rng.random() < 0.5:
                return [self._value(depth - 1) for _ in range(rng.randrange(5))]
            return {rng.choice(FIELDS): self._value(depth - 1) for _ in range(rng.randrange(5))}
        numbers = (0, 1, -1, 448, 10**9, 10**17, 0.5, 1e300, -1e-300)
        texts = ("", "x", "correct", "verdict", "polygon", "sft", "漢字 \U0001f600", "a" * 5_000)
        file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
        others = (None, None, True, False, file)
        return rng.choice((*numbers, *texts, *others, *self._ids))


def fill_ids(document: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Replace `{name}` values with real ids."""
    return {
        name: ids.get(value[1:-1], value) if isinstance(value, str) else value
        for name, value in document.items()
    }
