"""`fuzz requests`: seeded random requests to a test server, and a report."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import httpx
import psutil
from starlette.routing import Mount, Route

from models.engines.scripted.script import DEFAULT_SCRIPT
from pathviewer.fuzz.fuzz_records import (
    OUTSIDERS,
    add_accounts,
    add_records,
    add_worklist,
    merge_ids,
)
from pathviewer.fuzz.program import FuzzError, Program, running_program
from pathviewer.fuzz.random_requests import Caller, RandomRequest, RequestSource
from pathviewer.fuzz.request_findings import STREAM, Findings, RequestFuzzReport
from pathviewer.fuzz.request_schema import Document, extend_document
from pathviewer.server.default_routes import default_routes
from pathviewer.slides.phantom import write_phantom

CONNECTIONS = 8
"""Concurrent requests."""
ROUND = 5_000
"""Most requests before new records are created, because requests delete and end some."""
ANSWER_SECONDS = 60.0
"""A slower response is a fault, s."""
LOCAL = Caller(None, is_known=True)
"""The caller of a server without accounts, who may do everything."""
SLIDE = "a.tiff"
SCRIPT = "answers.toml"


def fuzz_requests(count: int, seed: int) -> RequestFuzzReport:
    """Send `count` random requests, the second half after accounts were created.

    Raises FuzzError if the server does not start or ends.
    """
    began = time.monotonic()
    with site_folder(seed) as folder, running_program(folder / "slides", model(folder)) as program:
        document = read_json(program.base, "/api/openapi.json", LOCAL)
        findings = Findings([str(program.state), str(folder)], document)
        add_worklist(program, SLIDE, model(folder))
        send_rounds(program, [LOCAL], count // 2, f"{seed} local", findings)
        callers = [*add_accounts(program), *OUTSIDERS]
        resident = send_rounds(program, callers, count - count // 2, f"{seed}", findings)
        if program.process.poll() is not None:
            raise FuzzError(f"The server ended within {count} requests.")
        owners = 1 + len(callers) - len(OUTSIDERS)  # and the person at this machine before them
        findings.note_metrics(read_metrics(program.base, callers[0]), owners)
        findings.note_tracebacks(program.tracebacks())
    return RequestFuzzReport(
        count,
        seed,
        dict(sorted(findings.statuses.items())),
        len(findings.accepted),
        dict(findings.counts),
        findings.gradio_sessions,
        resident,
        round(time.monotonic() - began, 1),
        findings.examples,
    )


@contextmanager
def site_folder(seed: int) -> Iterator[Path]:
    """Provide a folder with a small slide and a script of answers that come at once."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "slides").mkdir()
        write_phantom(folder / "slides" / SLIDE, width=2000, height=2000, seed=seed)
        script = DEFAULT_SCRIPT.read_text(encoding="utf-8")
        (folder / SCRIPT).write_text(re.sub("^seconds_per_token.*", "", script, flags=re.MULTILINE))
        yield folder


def model(folder: Path) -> str:
    """Return the name of the model of the server."""
    return f"scripted:{folder / SCRIPT}"


def send_rounds(
    program: Program, callers: Sequence[Caller], count: int, seed: str, findings: Findings
) -> dict[int, float]:
    """Send requests in rounds, each to new records.

    Return the number sent and the server's memory, MiB, after each round.
    """
    resident = {}
    document = document_of(program.base, callers[0])
    known = [caller for caller in callers if caller.is_known]
    for start in range(0, count, ROUND):
        ids = merge_ids([add_records(program.base, caller) for caller in known])
        source = RequestSource(f"{seed} {start}", document, ids, callers)
        stop = min(start + ROUND, count)
        asyncio.run(send_all(program.base, islice(source, stop - start), findings))
        resident[stop] = resident_mib(program)
    return resident


def document_of(base: str, caller: Caller) -> Document:
    """Return the document to generate requests from."""
    document = read_json(base, "/api/openapi.json", caller)
    return extend_document(document, own_pages(), read_json(base, "/gradio_api/info", caller))


def read_json(base: str, path: str, caller: Caller) -> Document:
    """Return a JSON object of the server."""
    answer = httpx.get(base + path, headers=caller.headers(), timeout=ANSWER_SECONDS)
    document: Document = answer.raise_for_status().json()
    return document


def own_pages() -> list[tuple[str, str]]:
    """Return methods and paths of our own routes outside the OpenAPI document."""
    pages = [("get", "/api/slides/{slide_id}/tiles/{level}/{column}/{row}")]
    for route in default_routes():
        if isinstance(route, Mount):
            pages.append(("get", f"{route.path}/{{file}}"))
        elif isinstance(route, Route) and route.path != "/logout":
            documented = getattr(route, "include_in_schema", False) and route.path[:5] == "/api/"
            methods = route.methods or {"GET"}
            pages += [(method.lower(), route.path) for method in methods if not documented]
    return pages


async def send_all(base: str, requests: Iterator[RandomRequest], findings: Findings) -> None:
    """Send requests over a few connections."""
    async with (
        httpx.AsyncClient(base_url=base, timeout=ANSWER_SECONDS) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(CONNECTIONS):
            group.create_task(send_some(client, requests, findings))


async def send_some(
    client: httpx.AsyncClient, requests: Iterator[RandomRequest], findings: Findings
) -> None:
    """Send requests one after the other until none are left."""
    for request in requests:
        try:
            await asyncio.wait_for(send_request(client, request, findings), ANSWER_SECONDS)
        except (httpx.HTTPError, TimeoutError) as error:
            findings.note_unanswered(request, error)


async def send_request(
    client: httpx.AsyncClient, request: RandomRequest, findings: Findings
) -> None:
    """Send one request with its target unchanged, and record the response."""
    headers = [("origin", str(client.base_url).rstrip("/")), *request.headers]
    built = client.build_request(request.method, "/", headers=headers, content=request.body)
    built.url = built.url.copy_with(raw_path=request.target.encode("ascii", "replace"))
    answer = await client.send(built, stream=True)
    try:
        if not answer.headers.get("content-type", "").startswith(STREAM):
            await answer.aread()
        findings.note(request, answer)
    finally:
        await answer.aclose()


def read_metrics(base: str, caller: Caller) -> str:
    """Return the server's metrics as text."""
    answer = httpx.get(f"{base}/api/metrics", headers=caller.headers(), timeout=ANSWER_SECONDS)
    return answer.raise_for_status().text


def resident_mib(program: Program) -> float:
    """Return the server's resident memory without its children, MiB."""
    return round(float(psutil.Process(program.process.pid).memory_info().rss) / 2**20, 1)
