"""Judge behind an OpenAI-compatible endpoint, with strict replies, retries and accounting."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2

from models import user_messages
from models.errors import ModelError
from models.judges.base import JudgeInput, JudgeVerdict
from models.judges.reply import Abstention, Reply, read_reply, read_verdict
from models.judges.reply_cache import ReplyCache
from models.judges.request import JudgeEndpoint, cache_key, correction_body, request_body

PERMANENT_FAILURES = {
    301: "its address has changed",
    302: "its address has changed",
    307: "its address has changed",
    308: "its address has changed",
    401: "the key is missing or wrong",
    403: "the key does not allow it",
    404: "there is no such address or model",
}
"""HTTP statuses that retries will not change."""
RETRY_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth a retry."""
LONGEST_WAIT = 60.0
LEAST_TRACES = 50
"""Traces from which the share of those not judged is looked at."""
LARGEST_REPLY = 2**22
"""Most bytes read of a reply."""


class JudgeError(ModelError):
    """The endpoint cannot be used at all; continuing without it would change the run."""


@dataclass
class Tally:
    """Requests to an endpoint and their cost."""

    requests: int = 0
    """Requests sent, including retries."""
    judged: int = 0
    """Traces judged."""
    cached: int = 0
    """Traces among these judged by a cached reply."""
    prompt_tokens: int = 0
    """Tokens sent, as counted by the endpoint."""
    completion_tokens: int = 0
    """Tokens received, as counted by the endpoint."""
    uncounted: int = 0
    """Replies without token counts; if any, the cost is a lower bound."""
    seconds: float = 0.0
    """Time waiting for replies, summed over concurrent requests."""
    abstained: Counter[str] = field(default_factory=Counter)
    """Traces not judged, by reason."""

    def cost(self, endpoint: JudgeEndpoint) -> float | None:
        """Cost of the tokens in the currency of the prices; None if a price is unknown."""
        if endpoint.prompt_price is None or endpoint.completion_price is None:
            return None
        prompt = self.prompt_tokens * endpoint.prompt_price
        return (prompt + self.completion_tokens * endpoint.completion_price) / 1e6


@dataclass(frozen=True)
class HttpReply:
    """An HTTP reply."""

    status: int
    """HTTP status; 0 without a reply."""
    payload: bytes = b""
    """Body."""
    retry_after: str = ""
    """Retry-After header; only seconds are supported."""
    failure: str = ""
    """Kind of failure if there was no reply."""


@dataclass(frozen=True)
class JudgeOutcome:
    """Outcome for one trace."""

    verdict: JudgeVerdict | None
    """The verdict; None if the judge abstains."""
    reason: str = ""
    """Why it abstains."""
    cached: bool = False
    """Whether the reply came from the cache."""


class EndpointJudge:
    """A vision-language model as a judge; abstains on every improper reply."""

    def __init__(self, endpoint: JudgeEndpoint) -> None:
        """Sends nothing yet. Raises ModelError for an unusable key or cache."""
        self.endpoint = endpoint
        self.tally = Tally()
        self._cache = ReplyCache(endpoint.cache) if endpoint.cache else None
        self._lock = threading.Lock()
        self._failures = 0  # consecutive traces for which the endpoint was unavailable
        key = os.environ.get(endpoint.api_key_variable, "").strip()
        if not key.isascii():
            raise JudgeError(user_messages.key_not_ascii(endpoint.api_key_variable))
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=endpoint.timeout_seconds,
            limits=httpx2.Limits(max_connections=endpoint.concurrency),
        )
        self._pool = ThreadPoolExecutor(endpoint.concurrency, thread_name_prefix="judge")

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def judge(self, traces: Sequence[JudgeInput]) -> list[JudgeVerdict | None]:
        """One verdict per trace; equal traces are sent once.

        Raises JudgeError if the endpoint will never reply, or did not for too many traces in a row,
        or if too many were not judged.
        """
        bodies = [request_body(self.endpoint, trace) for trace in traces]
        keys = [cache_key(self.endpoint, body) for body in bodies]
        futures: dict[str, Future[JudgeOutcome]] = {}
        for key, body, trace in zip(keys, bodies, traces, strict=True):
            if key not in futures:
                futures[key] = self._pool.submit(self._outcome, key, body, trace)
        outcomes = [futures[key].result() for key in keys]
        for index, outcome in enumerate(outcomes):
            self._count(outcome, again=keys[index] in keys[:index])
        self._check_abstentions()
        return [outcome.verdict for outcome in outcomes]

    def _count(self, outcome: JudgeOutcome, *, again: bool) -> None:
        """Count an outcome; `again` if an equal trace came before."""
        with self._lock:
            if outcome.verdict is None:
                self.tally.abstained[outcome.reason] += 1
                return
            self.tally.judged += 1
            self.tally.cached += outcome.cached or again

    def _check_abstentions(self) -> None:
        """Raise JudgeError if too many traces were not judged: their reward would be made up."""
        abstained = self.tally.abstained.total()
        traces = abstained + self.tally.judged
        if traces >= LEAST_TRACES and abstained > self.endpoint.most_abstained * traces:
            ((reason, _),) = self.tally.abstained.most_common(1)
            host, most = self.endpoint.url.host, self.endpoint.most_abstained
            raise JudgeError(user_messages.judge_abstains(host, abstained, traces, most, reason))

    def _outcome(self, key: str, body: dict[str, Any], trace: JudgeInput) -> JudgeOutcome:
        """Judge by a cached reply, or ask for one."""
        try:
            cached_content = self._cache.get(key) if self._cache else None
            if cached_content is not None:
                return JudgeOutcome(read_verdict(cached_content, trace), cached=True)
        except Abstention:
            pass  # cached by another version, or damaged
        try:
            content = self._ask(body).content
            verdict, content = self._read(content, body, trace)
        except Abstention as reason:
            return JudgeOutcome(None, reason=str(reason))
        if self._cache:
            self._cache.put(key, content)
        return JudgeOutcome(verdict)

    def _read(
        self, content: str, body: dict[str, Any], trace: JudgeInput
    ) -> tuple[JudgeVerdict, str]:
        """Verdict of a reply, and the reply; an unusable one is asked for once more."""
        try:
            return read_verdict(content, trace), content
        except Abstention as reason:
            content = self._ask(correction_body(body, content, str(reason))).content
            return read_verdict(content, trace), content

    def _ask(self, body: dict[str, Any]) -> Reply:
        """Reply of the endpoint; raises Abstention or JudgeError if all retries fail."""
        for attempt in range(self.endpoint.retries + 1):
            began = time.monotonic()
            try:
                answer = self._post(body)
            except httpx2.HTTPError as error:
                answer = HttpReply(0, failure=type(error).__name__)
            finally:
                with self._lock:
                    self.tally.requests += 1
                    self.tally.seconds += time.monotonic() - began
            if answer.status and answer.status not in RETRY_STATUSES:
                return self._reply(answer)
            if attempt < self.endpoint.retries:
                time.sleep(self._wait(attempt, answer))
        self._note_failure(answer)
        raise Abstention("no reply in time" if "Timeout" in answer.failure else "no reply")

    def _post(self, body: dict[str, Any]) -> HttpReply:
        """Send one request; raises httpx2.HTTPError on failure or after `timeout_seconds`."""
        ends = time.monotonic() + self.endpoint.timeout_seconds
        url = f"{str(self.endpoint.url).rstrip('/')}/chat/completions"
        payload = bytearray()
        with self._client.stream("POST", url, json=body) as response:
            for chunk in response.iter_bytes():
                payload += chunk
                if time.monotonic() > ends:
                    message = "The reply came too slowly."
                    raise httpx2.ReadTimeout(message)
                if len(payload) > LARGEST_REPLY:
                    raise Abstention("reply too long")
        return HttpReply(
            response.status_code, bytes(payload), response.headers.get("retry-after", "")
        )

    def _reply(self, answer: HttpReply) -> Reply:
        """Parse a final reply and count its tokens."""
        if answer.status in PERMANENT_FAILURES:
            reason = PERMANENT_FAILURES[answer.status]
            raise JudgeError(user_messages.judge_refuses(self.endpoint.url.host, reason))
        if answer.status != 200:
            raise Abstention(f"HTTP {answer.status}")
        self._failures = 0
        reply = read_reply(answer.payload)
        with self._lock:
            self.tally.prompt_tokens += reply.prompt_tokens
            self.tally.completion_tokens += reply.completion_tokens
            self.tally.uncounted += not reply.prompt_tokens
        return reply

    def _wait(self, attempt: int, answer: HttpReply) -> float:
        """Seconds before a retry: as the endpoint requests, or doubled each time."""
        requested = float(answer.retry_after) if answer.retry_after.isdecimal() else 0.0
        return min(LONGEST_WAIT, max(requested, self.endpoint.backoff_seconds * 2.0**attempt))

    def _note_failure(self, answer: HttpReply) -> None:
        """Count a trace without a reply; raises JudgeError after too many."""
        with self._lock:
            self._failures += 1
            failures = self._failures
        if failures >= self.endpoint.give_up_after:
            why = f"HTTP {answer.status}" if answer.status else answer.failure
            raise JudgeError(user_messages.judge_silent(self.endpoint.url.host, failures, why))
