"""The server talks to nobody: every connection it makes in a session is written down."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

from pathviewer.bench.chromium import launch_chromium

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "four words of rain"
LOCAL_NAMES = {"localhost", "127.0.0.1", "::1", "", None}


@contextmanager
def recorded_server(data: Path, slides: Path, log: Path) -> Iterator[str]:
    """`serve` in a process of its own that records to `log`; its URL."""
    environment = os.environ | {
        "PATHVIEWER_DATA": str(data),
        "PATHVIEWER_SLIDES": str(slides),
        "PATHVIEWER_PORT": "0",
    }
    command = [sys.executable, "-m", "tests.recorded_server", str(log)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    try:
        for line in process.stderr:
            if found := re.search(r"http://\S+", line):
                yield found.group()
                break
    finally:
        process.terminate()
        process.wait(20)


def targets(log: Path) -> Iterator[tuple[str, object]]:
    """(event, host) of every recorded line; Unix sockets have no host."""
    for line in log.read_text().splitlines():
        event, _, text = line.partition(" ")
        target = ast.literal_eval(text)
        yield event, target[0] if isinstance(target, tuple) else target


def is_local(host: object) -> bool:
    """Whether a recorded host is this machine."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ip_address(str(host)).is_loopback
    except ValueError:
        return str(host).startswith(("/", "b'/"))


@pytest.mark.long
def test_the_server_connects_to_nobody(tmp_path: Path, state: Path, small_phantom: Path) -> None:
    log = tmp_path / "connections.log"
    with recorded_server(state, small_phantom.parent, log) as url:
        look_around(url)
        upload(url, small_phantom.read_bytes())
        make_account(state)
        log_in(url)
    found = list(targets(log))
    assert [entry for entry in found if not is_local(entry[1])] == []


def look_around(url: str) -> None:
    """A session: the page in a browser, tiles, a region, an upload that is refused."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        page = browser.new_page()
        page.goto(url)
        page.locator("canvas").first.wait_for(timeout=30_000)
        page.wait_for_timeout(2000)
        browser.close()
    with httpx.Client(base_url=url, headers={"Origin": url}) as client:
        slide = client.get("/api/slides").json()[0]["id"]
        assert client.get(f"/api/slides/{slide}/tiles/0/0/0").status_code == 200
        points = [[0, 0], [100, 0], [100, 100], [0, 100]]
        body = {"name": "here", "shape": "rectangle", "points": points}
        assert client.post(f"/api/slides/{slide}/regions", json=body).status_code == 201
        assert client.post("/api/uploads", json={"name": "a.txt", "size": 3}).status_code >= 400


def upload(url: str, content: bytes) -> None:
    """A slide that the server takes."""
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=30) as client:
        announced = client.post("/api/uploads", json={"name": "new.tiff", "size": len(content)})
        upload_id = announced.json()["upload_id"]
        answer = client.patch(
            f"/api/uploads/{upload_id}", content=content, headers={"Upload-Offset": "0"}
        )
    assert answer.status_code == 201, answer.text


def make_account(state: Path) -> None:
    """The account alice, made as an administrator does, beside the running server."""
    command = [sys.executable, "-m", "pathviewer", "user", "add", "alice"]
    command += ["--role", "viewer", "--password-stdin"]
    environment = os.environ | {"PATHVIEWER_DATA": str(state)}
    subprocess.run(command, cwd=ROOT, env=environment, input=PASSWORD, text=True, check=True)


def log_in(url: str) -> None:
    """Wrong, then right; afterwards the page and its slides are there, and out again."""
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=30) as client:
        until = time.monotonic() + 10
        while client.get("/api/slides").status_code != 401:  # the server notices the account
            assert time.monotonic() < until
            time.sleep(0.2)
        for password, status in (("not this one", 401), (PASSWORD, 303)):
            form = {"name": "alice", "password": password}
            assert client.post("/login", data=form).status_code == status
        assert len(client.get("/api/slides").json()) == 2
        assert client.get("/config").status_code == 200
        assert client.post("/logout").status_code == 303


def test_the_record_would_show_a_connection(tmp_path: Path) -> None:
    log = tmp_path / "connections.log"
    script = (
        "import pathlib, socket, sys\n"
        "from tests.recorded_server import record_to\n"
        "record_to(pathlib.Path(sys.argv[1]))\n"
        "sock = socket.socket(); sock.settimeout(0.01)\n"
        "sock.connect_ex(('192.0.2.1', 9))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(log)], cwd=ROOT, check=True)
    assert [host for _, host in targets(log) if not is_local(host)] == ["192.0.2.1"]
