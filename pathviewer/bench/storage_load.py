"""Load generator: many connections write feedback at a given pace, and one reads."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pathviewer.bench.load import LoadError
from pathviewer.bench.storage_site import Site, make_site_feedback
from pathviewer.bench.tiles_servers import RunningServer


@dataclass
class LoadOutcome:
    """Results of a load so far; filled while it runs."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Ids of stored feedback, by idempotency key."""

    sent_tokens: dict[str, str] = field(default_factory=dict)
    """Bearer token with which each key was sent, answered or not."""

    write_seconds: list[float] = field(default_factory=list)
    """Times from a submission's due time to its acknowledgement."""

    read_seconds: list[float] = field(default_factory=list)
    """Times from a read request's due time to its response."""


class Client:
    """One persistent connection; hand-written HTTP keeps the load generator cheap."""

    def __init__(self, base: str, token: str) -> None:
        self.token = token
        parts = urlsplit(base)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Return status and body. Raises OSError or EOFError when the server is gone."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        writer.write(head.encode() + b"\r\n" + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(b" ", 2)[1])
        length = next(
            int(line.split(b":")[1])
            for line in answer.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        return status, await reader.readexactly(length)

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(frozen=True)
class Pace:
    """Pace of writes and reads."""

    connections: int
    """Connections that write."""

    per_s: float | None
    """Submissions per second in total; None: as fast as they are answered."""

    reads_per_s: float = 20.0
    """Read requests per second; 0 for none."""


async def load(
    base: str, site: Site, pace: Pace, seconds: float, outcome: LoadOutcome, numbers: Iterator[int]
) -> None:
    """Write and read for `seconds` or until the server is gone; results go to `outcome`.

    Raises LoadError for a response other than 200 and 201.
    """
    until = time.monotonic() + seconds
    tasks = []
    for index in range(pace.connections):
        client = Client(base, site.tokens[index % len(site.tokens)])
        tasks.append(_write(client, site, _due(index, pace), until, outcome, numbers))
    if pace.reads_per_s:
        tasks.append(_read(Client(base, site.tokens[0]), site, pace, until, outcome))
    await asyncio.gather(*tasks)


def _due(index: int, pace: Pace) -> Iterator[float | None]:
    """Return one connection's due times; the connections take turns."""
    if pace.per_s is None:
        return itertools.repeat(None)
    start = time.monotonic() + index / pace.per_s
    return (start + turn * pace.connections / pace.per_s for turn in itertools.count())


async def _write(
    client: Client,
    site: Site,
    due: Iterator[float | None],
    until: float,
    outcome: LoadOutcome,
    numbers: Iterator[int],
) -> None:
    try:
        for moment in due:
            # a late submission is sent at once and measured from its due time
            start = time.monotonic() if moment is None else moment
            if start >= until:
                return
            await asyncio.sleep(max(0.0, start - time.monotonic()))
            body = make_site_feedback(site, next(numbers))
            outcome.sent_tokens[str(body["key"])] = client.token
            status, answer = await client.ask("POST", "/api/feedback", body)
            if status not in (200, 201):
                raise LoadError(f"Feedback was answered {status}: {answer.decode()[:200]}")
            outcome.write_seconds.append(time.monotonic() - start)
            outcome.acknowledged[str(body["key"])] = json.loads(answer)["id"]
    except (OSError, EOFError):
        return  # the server was killed
    finally:
        client.close()


async def _read(client: Client, site: Site, pace: Pace, until: float, outcome: LoadOutcome) -> None:
    begin = time.monotonic()
    paths = itertools.cycle([f"/api/completions/{each}/feedback" for each in site.completions])
    try:
        for turn in itertools.count():
            start = begin + turn / pace.reads_per_s
            if start >= until:
                return
            await asyncio.sleep(max(0.0, start - time.monotonic()))
            status, answer = await client.ask("GET", next(paths))
            if status != 200:
                raise LoadError(f"A reader was answered {status}: {answer.decode()[:200]}")
            outcome.read_seconds.append(time.monotonic() - start)
    except (OSError, EOFError):
        return
    finally:
        client.close()


async def load_until_killed(
    server: RunningServer, after: float, site: Site, pace: Pace, numbers: Iterator[int]
) -> LoadOutcome:
    """Run the load and kill the server after `after` seconds."""
    outcome = LoadOutcome()
    task = asyncio.create_task(load(server.base, site, pace, after + 30, outcome, numbers))
    await asyncio.sleep(after)
    server.kill()
    await task
    return outcome
