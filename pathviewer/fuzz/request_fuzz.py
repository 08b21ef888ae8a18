"""`fuzz requests`: seeded random requests to a server of its own, and what it did with them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from pathviewer.fuzz.program import running_program

HONEST_FAILURE = 503
"""The one status of 500 and more that says a true thing: busy, or the database is away."""


@dataclass(frozen=True)
class RequestFuzzReport:
    """What a server did with random requests."""

    requests: int
    """Requests that were sent."""

    statuses: Mapping[int, int]
    """Answers by HTTP status."""

    server_errors: int
    """Answers of 500 and more that are not 503."""

    tracebacks: int
    """Tracebacks in the server's log."""

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON object, with its faults."""
        return asdict(self) | {"faults": self.faults()}

    def faults(self) -> list[str]:
        """One sentence for each kind of fault; empty if there is none."""
        faults = []
        if self.server_errors:
            faults.append(f"{self.server_errors} answers were server errors.")
        if self.tracebacks:
            faults.append(f"The server's log has {self.tracebacks} tracebacks.")
        return faults

    def sentence(self) -> str:
        """The report for a person."""
        found = " ".join(self.faults()) or "No fault."
        return f"{self.requests:,} requests. {found}"


def fuzz_requests(count: int, seed: int) -> RequestFuzzReport:
    """Send `count` random requests; raises FuzzError where the server does not start."""
    source, statuses = random.Random(seed), Counter[int]()
    with running_program() as program:
        with httpx.Client(base_url=program.base, timeout=30) as client:
            for _ in range(count):
                answer = client.get(f"/api/{source.random()}")
                statuses[answer.status_code] += 1
        tracebacks = program.tracebacks()
    errors = sum(n for status, n in statuses.items() if status >= 500 and status != HONEST_FAILURE)
    return RequestFuzzReport(count, dict(statuses), errors, tracebacks)
