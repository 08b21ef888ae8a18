"""`fuzz requests`: seeded random requests to a test server, and a report."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from starlette.routing import Mount, Route

from pathviewer.fuzz.program import FuzzError, Program, running_program
from pathviewer.fuzz.random_requests import RandomRequest, RequestSource
from pathviewer.server.application import build_routes, open_services
from pathviewer.settings import Settings
from pathviewer.slides.phantom import write_phantom

CONNECTIONS = 8
"""Concurrent requests."""
ANSWER_SECONDS = 60.0
"""A slower response is a fault, s."""
MOST_READ = 256 * 1024
"""Most bytes read of a response; a stream is closed at once."""
HONEST_FAILURE = 503
"""The only acceptable status of 500 and more: busy, or the database is unavailable."""
MOST_GROWTH_MIB = 64.0
"""Most growth of the server's memory from the first tenth of the requests to the last."""
GRADIO_ROUTES = (
    *[("GET", path) for path in ("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt")],
    *[("GET", path) for path in ("/assets/{file}", "/static/{file}", "/gradio_api/info")],
    *[("GET", "/gradio_api/" + path) for path in ("startup-events", "queue/status")],
    *[("GET", "/gradio_api/" + path) for path in ("queue/data", "heartbeat/{session}")],
    *[("GET", "/gradio_api/" + path) for path in ("call/slides/{event}", "call/v2/ask/{event}")],
    *[("POST", "/gradio_api/" + path) for path in ("cancel", "reset", "queue/join")] * 4,
    *[("POST", "/gradio_api/" + path) for path in ("run/predict", "call/{name}")] * 4,
    *[("POST", "/gradio_api/" + path) for path in ("call/{endpoint}", "call/v2/{endpoint}")] * 8,
    *[("POST", "/gradio_api/upload"), ("GET", "/gradio_api/file={path}")],
)
"""Gradio's routes, weighted towards those with bodies; two of them are closed."""


@dataclass(frozen=True)
class RequestFuzzReport:
    """A server's responses to random requests."""

    requests: int
    """Number of requests."""

    seed: int
    """Random seed."""

    statuses: Mapping[str, int]
    """Responses by HTTP status; `none` for a connection closed without one."""

    server_errors: int
    """Responses of 500 and more except 503."""

    tracebacks: int
    """Tracebacks in the server's log."""

    unanswered: int
    """Requests without a response in time."""

    leaked_paths: int
    """Responses that contain a path of the server's disk."""

    other_shapes: int
    """Errors in neither our JSON shape nor a page."""

    resident_before_mib: float
    """The server's memory after the first tenth of the requests."""

    resident_after_mib: float
    """The server's memory after all requests."""

    seconds: float
    """Duration."""

    examples: Sequence[str]
    """Examples of requests with a faulty response."""

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, with its faults."""
        return asdict(self) | {"faults": self.faults()}

    def faults(self) -> list[str]:
        """Return one sentence per kind of fault; empty if there is none."""
        growth = self.resident_after_mib - self.resident_before_mib
        counts = {
            "responses were server errors": self.server_errors,
            "tracebacks are in the server's log": self.tracebacks,
            "requests had no response in time": self.unanswered,
            "responses contained a path of the server's disk": self.leaked_paths,
            "errors did not have the JSON error shape": self.other_shapes,
            "MiB were added to the server's memory": round(growth)
            if growth > MOST_GROWTH_MIB
            else 0,
        }
        return [f"{count} {what}." for what, count in counts.items() if count]

    def sentence(self) -> str:
        """Return the report as a sentence."""
        found = " ".join(self.faults()) or "No fault."
        return f"{self.requests:,} requests in {self.seconds:.0f} s. {found}"


class Findings:
    """Observed responses and faults."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Take `paths` of the server's disk, which no response may contain."""
        self._paths = [path.encode() for path in paths]
        self.statuses = Counter[str]()
        self.faults = Counter[str]()
        self.examples: list[str] = []

    def note(self, request: RandomRequest, status: int, kind: str, body: bytes) -> None:
        """Record a response."""
        self.statuses[str(status)] += 1
        if status >= httpx.codes.INTERNAL_SERVER_ERROR and status != HONEST_FAILURE:
            self._fault("server_errors", request, status, body)
        if any(path in body for path in self._paths):
            self._fault("leaked_paths", request, status, body)
        if status >= httpx.codes.BAD_REQUEST and request.method != "HEAD":
            page = kind.startswith("text/html")
            if not page and not re.match(rb'\{"error": ?\{"code": ?"\w+", ?"message": ?"', body):
                self._fault("other_shapes", request, status, body)

    def note_unanswered(self, request: RandomRequest, error: Exception) -> None:
        """Record a request without a response; a connection closed by the server is no fault."""
        self.statuses["none"] += 1
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            self._fault("unanswered", request, 0, repr(error).encode())

    def _fault(self, kind: str, request: RandomRequest, status: int, body: bytes) -> None:
        self.faults[kind] += 1
        if len(self.examples) < 20:
            request_text = f"{request.method} {request.target[:200]} {request.body[:300]!r}"
            self.examples.append(f"{kind}: {request_text} -> {status} {body[:300]!r}")


def fuzz_requests(count: int, seed: int) -> RequestFuzzReport:
    """Send `count` random requests; raises FuzzError if the server does not start or ends."""
    began = time.monotonic()
    with slide_folder(seed) as slides, running_program(slides) as program:
        findings = Findings([str(program.state), str(program.state.parent)])
        ids, endpoints = real_ids(program.base), named_endpoints(program.base)
        source = RequestSource(seed, (*own_routes(), *GRADIO_ROUTES), ids, endpoints)
        first = max(1, count // 10)
        asyncio.run(send_all(program, source, first, findings))
        before = resident_mib(program)
        asyncio.run(send_all(program, source, count - first, findings))
        after = resident_mib(program)
        if program.process.poll() is not None:
            raise FuzzError(f"The server ended within {count} requests.")
        tracebacks = program.tracebacks()
    faults = findings.faults
    return RequestFuzzReport(
        count,
        seed,
        dict(sorted(findings.statuses.items())),
        faults["server_errors"],
        tracebacks,
        faults["unanswered"],
        faults["leaked_paths"],
        faults["other_shapes"],
        round(before, 1),
        round(after, 1),
        round(time.monotonic() - began, 1),
        findings.examples,
    )


@contextmanager
def slide_folder(seed: int) -> Iterator[Path]:
    """Provide a folder with a small slide."""
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder) / "a.tiff", width=2000, height=2000, seed=seed)
        yield Path(folder)


def own_routes() -> list[tuple[str, str]]:
    """Return methods and paths of our own routes, weighted towards those with bodies."""
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(Settings(data=Path(folder), slides=(), model="none"))
        table = build_routes(services)
        services.database.close()
    route_list: list[tuple[str, str]] = []
    for route in table:
        if isinstance(route, Route) and route.path != "/logout":
            for method in sorted(route.methods or {"GET"}):
                weight = 3 if method in ("POST", "PUT", "PATCH") else 1
                route_list += [(method, route.path)] * weight
        elif isinstance(route, Mount):
            route_list.append(("GET", f"{route.path}/{{file}}"))
    return [*route_list, ("GET", "/api/slides/{slide}/tiles/{level}/{column}/{row}")]


def named_endpoints(base: str) -> dict[str, list[str]]:
    """Return Gradio's named endpoints with their parameters."""
    info = httpx.get(f"{base}/gradio_api/info", timeout=ANSWER_SECONDS).json()
    return {
        name.strip("/"): [one["parameter_name"] for one in about["parameters"]]
        for name, about in info["named_endpoints"].items()
    }


def real_ids(base: str) -> dict[str, str]:
    """Create records on the server and return their ids, so that requests pass the first
    look-up."""
    with httpx.Client(base_url=base, headers={"Origin": base}, timeout=ANSWER_SECONDS) as client:
        until = time.monotonic() + ANSWER_SECONDS
        while not (slides := client.get("/api/slides").json()):
            if time.monotonic() > until:
                raise FuzzError("The server lists no slide.")
            time.sleep(0.2)
        slide = slides[0]["id"]
        box = {"x": 0, "y": 0, "width": 300, "height": 300}
        question_body = {"slide": slide, "box": box, "question": "What is it?"}
        question_id = client.post("/api/readings", json=question_body).json()["id"]
        upload = client.post("/api/uploads", json={"name": "a.svs", "size": 9}).json()["upload_id"]
        points = [[0, 0], [9, 0], [9, 9]]
        outline = {"shape": "polygon", "points": points}
        region = client.post(f"/api/slides/{slide}/regions", json=outline).json()["id"]
        while not (question := client.get(f"/api/readings/{question_id}").json())["completions"]:
            time.sleep(0.1)
        ids = {"slide": slide, "reading": question_id, "upload": upload, "region": region}
        return ids | {"completion": question["completions"][0]["id"], "index": "0"}


async def send_all(program: Program, source: RequestSource, count: int, findings: Findings) -> None:
    """Send `count` requests over a few connections."""
    numbers = iter(range(count))
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(send_some(program.base, source, numbers, findings))


async def send_some(base: str, source: RequestSource, numbers: Any, findings: Findings) -> None:
    """Send requests one after the other until none are left."""
    async with httpx.AsyncClient(base_url=base, timeout=ANSWER_SECONDS) as client:
        for _ in numbers:
            request = source.request()
            try:
                await asyncio.wait_for(send_one(client, request, findings), ANSWER_SECONDS)
            except (httpx.HTTPError, TimeoutError) as error:
                findings.note_unanswered(request, error)


async def send_one(client: httpx.AsyncClient, request: RandomRequest, findings: Findings) -> None:
    """Send one request with its target unchanged, and record the response."""
    headers = [("origin", str(client.base_url).rstrip("/")), *request.headers]
    built = client.build_request(request.method, "/", headers=headers, content=request.body)
    built.url = built.url.copy_with(raw_path=request.target.encode("ascii", "replace"))
    answer = await client.send(built, stream=True)
    kind, body = answer.headers.get("content-type", ""), b""
    try:
        if kind.startswith("text/event-stream"):
            return  # it may be endless
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > MOST_READ:
                return
    finally:
        await answer.aclose()
        findings.note(request, answer.status_code, kind, body)


def resident_mib(program: Program) -> float:
    """Return the server's resident memory without its children, MiB."""
    return float(psutil.Process(program.process.pid).memory_info().rss) / 2**20
