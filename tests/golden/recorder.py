"""Requests to the running application, and their answers as golden files have them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.golden.routes import Routes
from tests.golden.volatile import Volatile, picture_name

HEADERS = (
    *("allow", "cache-control", "content-disposition", "content-type", "location", "retry-after"),
    *("set-cookie", "upload-length", "upload-offset", "vary", "www-authenticate"),
    *("x-mpp", "x-tile-damaged", "x-tile-source"),
)
"""Headers of an answer that are recorded."""
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
COOKIE = re.compile(r"(?<==)[^;]{20,}")
METRIC = re.compile(r"^# (?:TYPE|HELP) .*$", re.MULTILINE)
LEAST_REFUSAL = 400


@dataclass
class Recorder:
    """Accounts that send requests, and what was answered."""

    clients: Mapping[str, httpx.Client]
    """By the name of an account; the empty name is a stranger."""
    volatile: Volatile
    """Names of what differs between runs."""
    routes: Routes
    """The routes of the application, and which of them were asked."""
    records: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Answers by golden file, in the order of the scenario."""
    problems: list[str] = field(default_factory=list)
    """Requests that got another status than the scenario says."""

    def ask(
        self, step: str, account: str, method: str, path: str, status: int, **request: Any
    ) -> httpx.Response:
        """Send a request and record it with its answer; another status than this is a problem.

        `step` is a file and a sentence, as in "regions: draw a rectangle".
        """
        answer = self.clients[account].request(method, path, timeout=60, **request)
        if answer.status_code != status:
            said = f"{answer.status_code} instead of {status}: {answer.text[:300]}"
            self.problems.append(f"{step}: {said}")
        self.routes.note(method, answer.request.url.path, good=status < LEAST_REFUSAL)
        self.keep(step, account, answer, request)
        return answer

    def keep(
        self, step: str, account: str, answer: httpx.Response, request: Mapping[str, Any]
    ) -> None:
        """Record an answer."""
        file, self.volatile.step = step.split(": ")
        body = {name: request[name] for name in ("json", "data", "headers") if name in request}
        target = answer.request.url.raw_path.decode()
        entry = {
            "step": self.volatile.step,
            "request": f"{account or 'a stranger'}: {answer.request.method} {target}",
            **({"sent": body} if body else {}),
            "status": answer.status_code,
            "headers": {
                name: COOKIE.sub("<token>", answer.headers[name])
                for name in HEADERS
                if name in answer.headers
            },
            "body": body_of(answer),
        }
        self.records[file].append(self.volatile.value(entry))

    def note(self, step: str, value: Any) -> None:
        """Record something else than an answer."""
        file, self.volatile.step = step.split(": ")
        self.records[file].append({"step": self.volatile.step, "value": self.volatile.value(value)})

    def files(self) -> dict[str, str]:
        """All that was recorded, as indented JSON."""
        return {
            f"http/{name}.json": json.dumps(records, indent=1, ensure_ascii=False, sort_keys=True)
            + "\n"
            for name, records in self.records.items()
        }


def body_of(answer: httpx.Response) -> Any:
    """What an answer says: JSON whole, of a page its title, of a picture its size."""
    kind = answer.headers.get("content-type", "").split(";")[0]
    if not answer.content:
        return None
    if kind.endswith("json"):
        return answer.json()
    if kind == "text/html":
        title = TITLE.search(answer.text)
        return f"<page “{title[1].strip() if title else ''}”>"
    if kind.startswith("image/"):
        return picture_name(answer.content)
    if "openmetrics" in kind or "version=1.0.0" in answer.headers.get("content-type", ""):
        return sorted(METRIC.findall(answer.text))
    if kind == "text/csv":
        return answer.text.splitlines()
    return f"<{kind}>"


def events_of(answer: httpx.Response) -> list[Any]:
    """The events of a stream that has been heard to its end.

    Those that come as often as time allows, and are replaced by a later one, are left out.
    """
    lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line[:5] == "data:"]
    events = [json.loads(line) for line in lines]
    return [event for event in events if event["type"] not in ("text", "attention")]
