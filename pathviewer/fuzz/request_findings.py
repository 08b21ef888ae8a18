"""What a server answered to random requests, and what of it is a fault."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

import httpx
import schemathesis
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pathviewer.auth.guard import OPEN_PATHS
from pathviewer.fuzz.program import FuzzError
from pathviewer.fuzz.random_requests import Case, RandomRequest
from pathviewer.fuzz.request_schema import Document
from pathviewer.server.gradio_sessions import MOST_STATES, SESSIONS_PER_ACCOUNT

HONEST_FAILURE = 503
"""The only acceptable status of 500 and more: busy, or the database is unavailable."""
MOST_GROWTH_KIB = 1.0
"""Most growth of the server's memory for each request of the later rounds: what holds on to every
request takes more."""
LEAST_ROUNDS = 4
"""Fewer rounds of requests only fill the server's caches."""
MOST_EXAMPLES = 20
STREAM = "text/event-stream"
"""Type of a response whose body is not read, because it may be endless."""
OUR_ERROR = re.compile(rb'\{"error": ?\{"code": ?"\w+", ?"message": ?"')
CONFORMANCE = [status_code_conformance, content_type_conformance, response_schema_conformance]

FAULTS = {
    "server_errors": "responses were server errors",
    "unanswered": "requests had no response in time",
    "leaked_paths": "responses contained a path of the server's disk",
    "other_shapes": "errors did not have the JSON error shape",
    "undocumented": "responses differed from the OpenAPI document",
    "let_in": "requests without a login were let in",
    "ended_readers": "processes that read slides ended",
    "unowned_sessions": "sessions of Gradio belong to no account",
    "excess_sessions": "sessions of Gradio are more than accounts may have",
    "tracebacks": "tracebacks are in the server's log",
}
"""Kind of fault -> sentence after its number."""


@dataclass(frozen=True)
class RequestFuzzReport:
    """A server's responses to random requests."""

    requests: int
    """Number of requests."""

    seed: int
    """Random seed."""

    statuses: Mapping[str, int]
    """Responses by HTTP status; `none` for a connection closed without one."""

    accepted: int
    """Operations of the API with a response of 2xx."""

    counts: Mapping[str, int]
    """Kind of fault -> number."""

    gradio_sessions: int
    """Gradio's sessions after all requests."""

    resident_mib: Mapping[int, float]
    """Requests with accounts so far -> the server's memory, after each round."""

    seconds: float
    """Duration."""

    examples: Sequence[str]
    """Examples of requests with a faulty response."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, with its faults."""
        return asdict(self) | {"growth_kib": self.growth_kib(), "faults": self.faults()}

    def faults(self) -> list[str]:
        """Return one sentence per kind of fault; empty if there is none."""
        found = [
            f"{self.counts[kind]} {what}." for kind, what in FAULTS.items() if self.counts[kind]
        ]
        growth = self.growth_kib()
        if growth > MOST_GROWTH_KIB:
            found.append(f"{growth:.1f} KiB a request were added to the server's memory.")
        return found

    def growth_kib(self) -> float:
        """Return what each request of the later half of the rounds added to the memory.

        Caches with a bound are filled by the earlier rounds, and fill ever more slowly; what holds
        on to every request grows as fast at the end as at the beginning. Too few rounds give 0.
        """
        rounds = list(self.resident_mib.items())
        if len(rounds) < LEAST_ROUNDS:
            return 0.0
        (sent, before), (sent_later, after) = rounds[(len(rounds) - 1) // 2], rounds[-1]
        return round((after - before) * 1024 / (sent_later - sent), 2)

    def sentence(self) -> str:
        """Return the report as a sentence."""
        found = " ".join(self.faults()) or "No fault."
        return f"{self.requests:,} requests in {self.seconds:.0f} s. {found}"


def read_gauge(metrics: str, name: str, kind: str) -> int:
    """Return a value of one of our gauges. Raises FuzzError if it is missing."""
    gauge = re.search(rf'^pathviewer_{name}{{kind="{kind}"}} (\S+)', metrics, re.MULTILINE)
    if gauge is None:
        raise FuzzError(f"The server's metrics lack {name} of the kind {kind}.")
    return int(float(gauge[1]))


class Findings:
    """Observed responses and faults."""

    def __init__(self, paths: Sequence[str], document: Document) -> None:
        """Take `paths` of the server's disk, which no response may contain.

        Responses are compared with the OpenAPI `document`.
        """
        self._schema = schemathesis.openapi.from_dict(document)
        self._paths = [path.encode() for path in paths]
        self.statuses = Counter[str]()
        self.counts = Counter[str](dict.fromkeys(FAULTS, 0))
        self.accepted: set[str] = set()
        self.examples: list[str] = []
        self.gradio_sessions = 0

    def note(self, request: RandomRequest, answer: httpx.Response) -> None:
        """Record a response, whose body has been read unless it is a stream."""
        status, kind = answer.status_code, answer.headers.get("content-type", "")
        self.statuses[str(status)] += 1
        body = b"" if kind.startswith(STREAM) else answer.content
        if answer.is_server_error and status != HONEST_FAILURE:
            self._fault("server_errors", request, status, body)
        if any(path in body for path in self._paths):
            self._fault("leaked_paths", request, status, body)
        has_shape = request.method == "HEAD" or kind.startswith("text/html")
        if answer.is_error and not has_shape and not OUR_ERROR.match(body):
            self._fault("other_shapes", request, status, body)
        if not (request.caller.is_known or self._is_kept_out(request, answer)):
            self._fault("let_in", request, status, body)
        if request.case is not None and request.caller.is_known:  # others get the login page
            self._check_document(request, request.case, answer)

    def note_unanswered(self, request: RandomRequest, error: Exception) -> None:
        """Record a request without a response; a connection closed by the server is no fault."""
        self.statuses["none"] += 1
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            self._fault("unanswered", request, 0, repr(error).encode())

    def note_metrics(self, metrics: str, owners: int) -> None:
        """Record readers that ended and Gradio's sessions from the server's metrics.

        `owners` is the number of accounts that sent requests.
        """
        self.counts["ended_readers"] = read_gauge(metrics, "slide_readers", "ended")
        self.counts["unowned_sessions"] = read_gauge(metrics, "gradio_sessions", "unowned")
        self.gradio_sessions = read_gauge(metrics, "gradio_sessions", "owned")
        states = read_gauge(metrics, "gradio_sessions", "states")
        self.counts["excess_sessions"] = max(
            0, self.gradio_sessions - owners * SESSIONS_PER_ACCOUNT, states - MOST_STATES
        )

    def note_tracebacks(self, tracebacks: Sequence[str]) -> None:
        """Record the tracebacks of the server's log."""
        self.counts["tracebacks"] = len(tracebacks)
        self.examples += sorted(set(tracebacks))

    def _is_kept_out(self, request: RandomRequest, answer: httpx.Response) -> bool:
        """Return whether a response is one to somebody without a login.

        The server may also refuse a header before it asks who sent it.
        """
        path = unquote(request.target.partition("?")[0])
        refused = answer.status_code in (
            httpx.codes.UNAUTHORIZED,
            httpx.codes.BAD_REQUEST,
            httpx.codes.TOO_MANY_REQUESTS,
        )
        return refused or answer.is_redirect or path in OPEN_PATHS

    def _check_document(self, request: RandomRequest, case: Case, answer: httpx.Response) -> None:
        """Compare status, type and body with the OpenAPI document, if that has the operation."""
        operation = self._schema.find_operation_by_label(case.operation.label)
        if operation is None:
            return
        if answer.is_success:
            self.accepted.add(operation.label)
        if answer.headers.get("content-type", "").startswith(STREAM):
            return
        try:
            documented = operation.Case(path_parameters=case.path_parameters)
            documented.validate_response(answer, checks=CONFORMANCE)
        except (Failure, FailureGroup) as failure:
            message = " ".join(str(failure).split()).encode()
            self._fault("undocumented", request, answer.status_code, message)

    def _fault(self, kind: str, request: RandomRequest, status: int, body: bytes) -> None:
        self.counts[kind] += 1
        if len(self.examples) < MOST_EXAMPLES:
            request_text = f"{request.method} {request.target[:200]} {request.body[:300]!r}"
            self.examples.append(f"{kind}: {request_text} -> {status} {body[:600]!r}")
