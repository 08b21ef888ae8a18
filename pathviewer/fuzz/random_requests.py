"""Seeded random requests: schemathesis's from an OpenAPI document, some of them damaged."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.core import NotSet
from schemathesis.core.result import Ok

from pathviewer.fuzz.request_schema import CONSTANTS, Document, Values, with_values

Case: TypeAlias = schemathesis.Case[Any]

MOST_TARGET = 60_000
"""Characters of a request's path and query; the client sends no longer ones."""
BATCH = 200
"""Requests generated at a time, while none is sent."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO")
HEADERS = (
    *("upload-offset", "last-event-id", "accept", "content-type", "if-none-match", "cookie"),
    *("range", "x-pathviewer-visitor", "authorization", "x-forwarded-for", "content-encoding"),
)
HEADER_VALUES = ("0", "9" * 19, "9" * 5_000, "-1", "x" * 3_000, "text/html", "bytes=0-", "a=b;")
SEGMENTS = (
    *("0", "7", "-1", "..", "%2e%2e", "%00", "%ff%fe", "%ed%a0%80", "%2f", "a%0ab", "é", "%c3%a9"),
    *("9" * 19, "9" * 5_000, "x" * 300, "a" * 20_000, "predict", "slides", "left"),
)
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/x", "")
VALUES = ("NaN", "-Infinity", "1e999", "9" * 5_000, "9" * 400, '"\\ud800"', '"\\u0000"', "[[]]")
"""Values that are no JSON, or that no database stores."""


@dataclass(frozen=True)
class Caller:
    """Who sends a request."""

    token: str | None
    """Bearer token; None: none is sent."""

    is_known: bool
    """Whether the server lets this caller in."""

    def headers(self) -> dict[str, str]:
        """Return the headers that identify the caller."""
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class RandomRequest:
    """One request as sent."""

    method: str
    """Method, possibly invalid."""

    target: str
    """Path and query."""

    headers: tuple[tuple[str, str], ...]
    """Headers besides Host, Origin and Content-Length."""

    body: bytes
    """Body; empty for none."""

    caller: Caller
    """Who sends it."""

    case: Case | None = None
    """What it was generated from; None if its method or path is another one now."""


class RequestSource:
    """Random requests, determined by seed, document and callers."""

    def __init__(
        self, first_seed: str, document: Document, ids: Values, callers: Sequence[Caller]
    ) -> None:
        """Take the document that `extend_document` returns, and ids by the names of fields.

        A third of the requests has only likely values, a third only those of the right type.
        """
        self._seed = first_seed
        self._random = random.Random(first_seed)
        self._callers = callers
        known = {name: [*values, "none"] for name, values in ids.items()}
        self._strategy: SearchStrategy[Case] = st.one_of(
            *strategies(with_values(document, {**CONSTANTS, **ids}), GenerationMode.POSITIVE),
            *strategies(with_values(document, known), GenerationMode.POSITIVE),
            *strategies(with_values(document, known), GenerationMode.NEGATIVE),
        )

    def __iter__(self) -> Iterator[RandomRequest]:
        """Yield requests without end."""
        for number in count():
            for case in draw_cases(self._strategy, f"{self._seed} {number}"):
                yield self._damage(self._request(case))

    def _request(self, case: Case) -> RandomRequest:
        query = urlencode(case.query or {}, doseq=True, errors="replace")
        target = case.formatted_path + (f"?{query}" if query else "")
        caller = self._random.choice(self._callers)
        headers = {"content-type": case.media_type or "application/json"}
        headers |= {name.lower(): str(value) for name, value in (case.headers or {}).items()}
        headers |= caller.headers()
        body = encode(case.body)
        return RandomRequest(case.method, target, tuple(headers.items()), body, caller, case)

    def _damage(self, request: RandomRequest) -> RandomRequest:
        """Return the request, often with another method, path, header or body."""
        rng = self._random
        method, target, case = request.method, request.target, request.case
        headers, body = list(request.headers), request.body
        if rng.random() < 0.05:
            method, case = rng.choice(METHODS), None
        if rng.random() < 0.1:
            target, case = self._damage_path(target), None
        if rng.random() < 0.1:
            headers.append((rng.choice(HEADERS), rng.choice(HEADER_VALUES)))
        if rng.random() < 0.05:
            headers[0] = ("content-type", rng.choice(TYPES))
        if (body or rng.random() < 0.05) and rng.random() < 0.25:
            body = self._damage_body(body)
        if len(target) > MOST_TARGET:
            target, case = target[:MOST_TARGET], None
        return RandomRequest(method, target, tuple(headers), body, request.caller, case)

    def _damage_path(self, target: str) -> str:
        """Replace or insert a part of the path."""
        path, mark, query = target.partition("?")
        parts = path.split("/")
        place = self._random.randrange(1, len(parts) + 1)
        odd = quote(self._random.choice(SEGMENTS), safe="%")
        parts[place : place + self._random.randrange(2)] = [odd]
        return "/".join(parts) + mark + query

    def _damage_body(self, body: bytes) -> bytes:
        """Return a body that is no JSON, too deep, too large, cut off or has an odd value."""
        rng = self._random
        kind = rng.random()
        if kind < 0.1:
            return rng.randbytes(rng.randrange(200))
        if kind < 0.16:
            depth = rng.choice((50, 70, 1_000, 100_000))
            return b'{"data": ' + b"[" * depth + b"]" * depth + b"}"
        if kind < 0.18:
            return b'{"data": [' + b"[]," * rng.choice((1_000, 100_000, 500_000)) + b"1]}"
        if kind < 0.2:
            return b" " * 2**21
        if kind < 0.4:
            return body[: rng.randrange(len(body) + 1)]
        scalars = list(re.finditer(rb'(?<=[:\[] )("[^"]*"|[-+.\w]+)', body))
        if not scalars:
            return body
        start, stop = rng.choice(scalars).span()
        return body[:start] + rng.choice(VALUES).encode() + body[stop:]


def strategies(document: Document, mode: GenerationMode) -> list[SearchStrategy[Case]]:
    """Return the cases of each operation: valid (positive) or not (negative)."""
    schema = schemathesis.openapi.from_dict(document)
    results = schema.get_all_operations()
    return [each.ok().as_strategy(mode) for each in results if isinstance(each, Ok)]


def draw_cases(strategy: SearchStrategy[Case], batch_seed: str) -> list[Case]:
    """Return a batch of cases, always the same ones for a seed."""
    cases: list[Case] = []

    @seed(batch_seed)
    @settings(
        max_examples=BATCH,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(case: Case) -> None:
        cases.append(case)

    gather()
    return cases


def encode(body: Any) -> bytes:
    """Return the bytes of a generated body."""
    if isinstance(body, NotSet):
        return b""
    return body if isinstance(body, bytes) else json.dumps(body).encode()
