"""What a reader gave up: writing, other folders, connections, more memory than it may have."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pathviewer.slides.readers.landlock import landlock_version, restrict_to_read_only
from pathviewer.slides.readers.limits import ReaderLimits, restrict_reader


def attempt(act: Callable[[], Any]) -> str:
    """`done`, or what kept it from being done."""
    try:
        act()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"


def read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)


def connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), 5).close()


def look_around(limits: ReaderLimits, outside: Path, port: int) -> dict[str, str]:
    """Runs in a process of its own: tries what a reader must not do, and what it must."""
    restrict_reader(limits)
    folder = (limits.folders or (Path("/"),))[0]
    return {
        "read a slide": attempt(lambda: read(folder / "slide")),
        "read outside": attempt(lambda: read(outside)),
        "read through the folder above": attempt(lambda: read(folder / ".." / outside.name)),
        "write beside a slide": attempt(lambda: (folder / "new").write_bytes(b"1")),
        "delete a slide": attempt((folder / "slide").unlink),
        "run a program": attempt(lambda: subprocess.run(["/bin/true"], check=False)),
        "connect": attempt(lambda: connect(port)),
        "listen": attempt(lambda: socket.create_server(("127.0.0.1", 0)).close()),
        "end the parent": attempt(lambda: os.kill(os.getppid(), 0)),
        "allocate": attempt(lambda: bytearray(2**30)),
    }


def looked(limits: ReaderLimits, outside: Path) -> dict[str, str]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        multiprocessing.get_context("spawn").Pool(1) as pool,
    ):
        arguments = limits, outside, server.getsockname()[1]
        return pool.apply(look_around, arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "slide").write_bytes(b"pixels")
    (tmp_path / "secret").write_bytes(b"outside")
    return tmp_path / "slides"


def test_a_reader_reads_its_folders_and_does_nothing_else(folder: Path, tmp_path: Path) -> None:
    found = looked(ReaderLimits(512, 64, (folder,)), tmp_path / "secret")
    version = landlock_version()
    assert found["read a slide"] == "done"
    assert found["allocate"] == "MemoryError"
    kept_by = {
        "read outside": 1,
        "read through the folder above": 1,
        "write beside a slide": 1,
        "delete a slide": 1,
        "run a program": 1,
        "connect": 4,
        "listen": 4,
        "end the parent": 6,
    }
    for act, needed in kept_by.items():
        assert (found[act] == "PermissionError") == (version >= needed), (act, found[act])


def test_a_reader_without_folders_reads_all_and_writes_nothing(
    folder: Path, tmp_path: Path
) -> None:
    found = looked(ReaderLimits(512, 64, None), tmp_path / "secret")
    assert found["read outside"] == "done"
    if landlock_version():
        assert found["write beside a slide"] != "done"


def test_a_kernel_without_landlock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert landlock_version() == 0
    assert restrict_to_read_only([Path("/")]) == 0
