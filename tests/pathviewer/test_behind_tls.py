"""The documented nginx configuration: TLS and a sub-path in front of the running application."""

from __future__ import annotations

import json
import os
import re
import shlex
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from pathviewer.bench.startup import free_port
from pathviewer.settings import Settings, read_settings
from tests.databases import new_database
from tests.pathviewer.test_behind_nginx import CONFIGURATION, nginx_program, wait_for
from tests.servers import running

ACCESS = Path(__file__).resolve().parents[2] / "docs" / "access.md"
HOST = "slides.hospital.example"
PASSWORD = "correct horse battery"
MIB = 2**20


class ToLoopback(httpx.HTTPTransport):
    """Connects to 127.0.0.1 whatever the host name; SNI and `Host` are of that name."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        name = request.url.host
        request = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions | {"sni_hostname": name},
        )
        return super().handle_request(request)


@dataclass(frozen=True)
class Site:
    """The application behind nginx."""

    url: str
    """Address of its page in a browser, without a slash at the end."""
    context: ssl.SSLContext
    """Trusts the certificate."""

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A browser's part: keeps cookies, names the page as the origin."""
        origin = self.url.removesuffix("/pathviewer")
        with httpx.Client(
            transport=ToLoopback(verify=self.context), headers={"Origin": origin}, timeout=30
        ) as client:
            yield client

    def log_in(self, client: httpx.Client) -> httpx.Response:
        """Log in as the clinician ada."""
        form = {"name": "ada", "password": PASSWORD, "next": "/"}
        return client.post(f"{self.url}/login", data=form)


def block(kind: str, mark: str) -> str:
    """The one code block of docs/access.md that contains a text."""
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", ACCESS.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = [each for each in blocks if mark in each]
    return str(found)


@contextmanager
def documented_nginx(folder: Path, upstream: str) -> Iterator[Site]:
    """nginx with the documented server; only its port, upstream and certificate are of the test."""
    authority, port = trustme.CA(), free_port()
    certificate = authority.issue_cert(HOST)
    certificate.cert_chain_pems[0].write_to_path(folder / "slides.crt")
    certificate.private_key_pem.write_to_path(folder / "slides.key")
    server = block("nginx", "ssl_certificate ")
    for documented, tested in (
        ("443 ssl", f"127.0.0.1:{port} ssl"),
        ("http://127.0.0.1:7860", upstream),
        ("/etc/ssl/slides.crt", f"{folder}/slides.crt"),
        ("/etc/ssl/slides.key", f"{folder}/slides.key"),
    ):
        assert server.count(documented) == 1
        server = server.replace(documented, tested)
    folder.chmod(0o755)
    frame = CONFIGURATION.replace("{{", "{").replace("}}", "}")
    head = frame[: frame.index("    server {")].replace("{folder}", str(folder))
    user = "user root;\n" if os.geteuid() == 0 else ""  # pytest's folders are its own user's
    (folder / "nginx.conf").write_text(f"{user}{head}{server}}}\n", encoding="utf-8")
    command = [nginx_program(), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    try:
        wait_for(port)
        yield Site(f"https://{HOST}:{port}/pathviewer", context)
    finally:
        process.terminate()
        process.wait(10)


def documented_settings(monkeypatch: pytest.MonkeyPatch, **given: Any) -> Settings:
    """Settings of the documented command line's environment."""
    for word in shlex.split(block("sh", "PATHVIEWER_ROOT_PATH")):
        name, equals, value = word.partition("=")
        if equals:
            monkeypatch.setenv(name, value)
    return read_settings(**given)


@pytest.fixture
def site(tmp_path: Path, small_phantom: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The application with a slide, canned answers and one account, behind nginx."""
    settings = documented_settings(
        monkeypatch, data=tmp_path / "data", slides=(small_phantom.parent,), model="scripted"
    )
    database = new_database(settings.database)
    with database.session() as session:
        add_user(session, "ada", Role.clinician, PASSWORD)
    database.close()
    with running(settings) as base, documented_nginx(tmp_path, base) as made:
        yield made


def test_a_login_ends_in_a_cookie_for_tls_only(site: Site) -> None:
    with site.client() as client:
        refused = client.get(f"{site.url}/", headers={"Accept": "text/html"})
        assert refused.status_code == 401
        assert 'action="/pathviewer/login"' in refused.text
        assert client.get(f"{site.url}/api/slides").status_code == 401
        done = site.log_in(client)
        assert (done.status_code, done.headers["location"]) == (303, "/pathviewer/")
        (cookie,) = done.headers.get_list("set-cookie")
        words = {word.strip().lower() for word in cookie.split(";")}
        assert {"secure", "httponly", "samesite=lax"} <= words
        page = client.get(f"{site.url}/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "/pathviewer/ui/" in page.text
        assert page.headers["strict-transport-security"].startswith("max-age=")
        assert client.get(f"{site.url}/config").json()["root"] == site.url
        foreign = client.post(f"{site.url}/logout", headers={"Origin": "https://other.example"})
        assert foreign.status_code == 403
        assert client.post(f"{site.url}/logout").status_code == 303
        assert client.get(f"{site.url}/api/slides").status_code == 401


def test_tiles_and_answers_come_through(site: Site) -> None:
    with site.client() as client:
        site.log_in(client)
        (slide,) = client.get(f"{site.url}/api/slides").json()
        tile = client.get(f"{site.url}/api/slides/{slide['id']}/tiles/0/0/0")
        assert tile.headers["x-tile-source"] == "raw"
        assert tile.content.startswith(b"\xff\xd8")
        box = {"x": 100, "y": 100, "width": 448, "height": 448}
        body = {"slide": slide["id"], "box": box, "question": "What is it?", "blind": True}
        reading = client.post(f"{site.url}/api/readings", json=body).raise_for_status().json()["id"]
        # the stream waits for this answer: an event that arrives before it was not held back
        types = list(events_with_first_answer(client, f"{site.url}/api/readings/{reading}"))
        assert types[-1] == "done"
        assert types.index("first_answer_wanted") < types.index("text")


def events_with_first_answer(client: httpx.Client, reading: str) -> Iterator[str]:
    """Types of a blind reading's events; the rater's own answer is sent once it is wanted."""
    with client.stream("GET", f"{reading}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                kind = json.loads(line[5:])["type"]
                yield kind
                if kind == "first_answer_wanted":
                    own = client.post(f"{reading}/first-answer", json={"answer": "benign"})
                    own.raise_for_status()


def test_a_slide_is_uploaded_in_the_pieces_that_the_page_sends(
    site: Site, small_phantom: Path
) -> None:
    content = small_phantom.read_bytes() + bytes(9 * MIB)  # a whole piece, and the rest
    with site.client() as client:
        site.log_in(client)
        announced = {"name": "case.tiff", "size": len(content)}
        begun = client.post(f"{site.url}/api/uploads", json=announced).raise_for_status().json()
        upload, piece, offset = begun["upload_id"], begun["chunk_bytes"], 0
        while offset < len(content):
            done = client.patch(
                f"{site.url}/api/uploads/{upload}",
                content=content[offset : offset + piece],
                headers={"Upload-Offset": str(offset)},
            )
            offset += piece
        assert done.status_code == 201, done.text
        tile = client.get(f"{site.url}/api/slides/{done.json()['slide_id']}/tiles/0/0/0")
        assert tile.status_code == 200
