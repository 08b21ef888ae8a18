"""Starting the server, and saying plainly why it could not be started."""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pathviewer.server.run import HEAPS

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`python -m pathviewer serve` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pathviewer", "serve", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def complaint(*arguments: str, **environment: str) -> str:
    """What a start that fails says; it says it without a traceback."""
    process = start(*arguments, **environment)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    return said


def test_it_serves_until_it_is_told_to_stop(state: Path, small_phantom: Path) -> None:
    slides = str(small_phantom.parent)
    process = start("--port", "0", "--slides", slides, "--data", str(state))
    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"http://\S+", line):
            assert httpx.get(f"{found.group()}/api/health").json()["status"] == "ok"
            assert len(httpx.get(f"{found.group()}/api/slides").json()) == 1
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_another_address_needs_accounts(state: Path) -> None:
    said = complaint("--host", "0.0.0.0", "--port", "0", "--data", str(state))
    assert "user add" in said
    assert "--public-demo" in said


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "PATHVIEWER_DATA" in complaint("--data", str(tmp_path / "file" / "state"))


@pytest.mark.long
def test_a_database_of_another_kind_is_named(state: Path) -> None:
    url = "mongodb://nowhere"
    said = complaint("--port", "0", "--data", str(state), PATHVIEWER_DATABASE_URL=url)
    assert "PATHVIEWER_DATABASE_URL" in said


@pytest.mark.long
def test_a_port_in_use_is_named(state: Path, small_phantom: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        slides = str(small_phantom.parent)
        said = complaint("--port", port, "--slides", slides, "--data", str(state))
    assert port in said
    assert "PATHVIEWER_PORT" in said


COUNT_HEAPS = """
import ctypes, threading
from pathviewer.server.run import limit_heaps

limit_heaps()
libc, together = ctypes.CDLL("libc.so.6"), threading.Barrier(8)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p

def allocate():
    together.wait()
    for _ in range(100):
        libc.malloc(10_000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
out = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries have no heaps")
def test_threads_share_few_heaps() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    run = subprocess.run(
        [sys.executable, "-c", COUNT_HEAPS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.count("<heap nr=") == HEAPS
