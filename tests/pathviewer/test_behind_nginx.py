"""The application under a sub-path of a real nginx, its prefix stripped or not."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pathviewer.settings import Settings
from tests.servers import running

CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /slides/viewer/ {{
            proxy_pass {upstream};
            proxy_buffering off;
            proxy_set_header Host $host:$server_port;
            proxy_set_header X-Forwarded-Host $host:$server_port;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[str]:
    """A running nginx that passes /slides/viewer/ on to `upstream`; the page's URL there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.chmod(0o755)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, port=port, upstream=upstream), encoding="utf-8"
    )
    command = [nginx_program(), "-c", str(configuration)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/slides/viewer"
    finally:
        process.terminate()
        process.wait(10)


def nginx_program() -> str:
    """Where nginx is."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    assert found, "nginx is missing: python3 tests/run.py installs it on Debian"
    return found


def wait_for(port: int) -> None:
    """Return once something listens on the port."""
    for _ in range(100):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    message = f"nginx does not listen on port {port}."
    raise TimeoutError(message)


@pytest.mark.parametrize("strip", [True, False], ids=["prefix stripped", "prefix kept"])
def test_everything_the_page_loads_comes_through_the_sub_path(
    tmp_path: Path, small_phantom: Path, strip: bool
) -> None:
    settings = Settings(
        data=tmp_path / "data",
        slides=(small_phantom.parent,),
        root_path="/slides/viewer",
        trusted_proxies=("127.0.0.1",),
    )
    with running(settings) as base, nginx(tmp_path, f"{base}/" if strip else base) as url:
        client = httpx.Client(base_url=url)
        page = client.get("/", headers={"Accept": "text/html"})
        slides = client.get("/api/slides").json()
        tile = client.get(f"/api/slides/{slides[0]['id']}/tiles/0/0/0")
        configuration = client.get("/config").json()
    assert page.status_code == 200
    assert "/slides/viewer/ui/" in page.text
    assert configuration["root"] == url
    assert tile.headers["x-tile-source"] == "raw"
