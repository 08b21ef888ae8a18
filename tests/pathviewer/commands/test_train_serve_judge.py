"""`train serve-judge`: a checkpoint answers over HTTP; who may not judge, and where."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from models.errors import ModelError
from models.training.specimen.random_init import write_fresh_checkpoint
from pathviewer.commands.train_serve_judge import check_address, check_may_judge

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[3]


def test_a_checkpoint_is_served_as_a_command(tmp_path: Path) -> None:
    folder = write_fresh_checkpoint(tmp_path / "mini", size="mini")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = (
        "import typer; from pathviewer.commands.train_serve_judge import *; typer.run(serve_judge)"
    )
    command = [sys.executable, "-c", script, "--model", str(folder), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "2"})
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models")
        question = {"role": "user", "content": "Is there tissue?"}
        body = {"model": "mini", "messages": [question], "max_tokens": 4, "temperature": 0}
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        reply = httpx2.post(url, json=body, timeout=120).raise_for_status().json()
        assert reply["choices"][0]["message"]["role"] == "assistant"
        assert 0 < reply["usage"]["completion_tokens"] <= 4
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url: str) -> None:
    """Until something answers there."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            httpx2.get(url).raise_for_status()
        except httpx2.ConnectError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(url)


def test_a_licence_against_training_is_kept() -> None:
    check_may_judge("mini", train_allowed=True)
    with pytest.raises(ModelError, match="licence of Patho-R1"):
        check_may_judge("Patho-R1", train_allowed=False)


@pytest.mark.parametrize(
    ("host", "key", "fine"),
    [
        ("127.0.0.1", None, True),
        ("localhost", None, True),
        ("0.0.0.0", None, False),
        ("0.0.0.0", "", False),
        ("10.0.0.5", "secret", True),
    ],
)
def test_other_machines_need_a_key(host: str, key: str | None, fine: bool) -> None:
    if fine:
        check_address(host, key)
    else:
        with pytest.raises(ModelError, match="PATHVIEWER_JUDGE_KEY"):
            check_address(host, key)
