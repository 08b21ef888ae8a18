"""An empty library that takes uploads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL
from pathviewer.settings import Settings
from tests.asking import Clients, accounts, asking, asking_settings
from tests.library_app import LibraryApp, library_app, write_slide
from tests.pathviewer.api.feedback_site import Site, made_site
from tests.postgres import Postgres


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A state folder, no slide folder, uploads up to 1 MiB."""
    return Settings(data=tmp_path / "state", upload_limit_mib=1)


@pytest.fixture
def served(settings: Settings) -> Iterator[LibraryApp]:
    """The routes over an empty library."""
    with library_app(settings) as served:
        yield served


@pytest.fixture
def client(served: LibraryApp) -> TestClient:
    """Asks as the local account."""
    return served.seen_by(LOCAL)


@pytest.fixture
def slide(tmp_path: Path) -> bytes:
    """The bytes of a small slide."""
    return write_slide(tmp_path / "elsewhere.tiff").read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Answers to be judged, of the test's own."""
    with made_site(tmp_path) as site:
        yield site


@pytest.fixture(params=["sqlite", "postgresql"])
def either_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """The same; each test that asks for it runs on both databases."""
    with ExitStack() as stack:
        url = ""
        if request.param == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            template = request.getfixturevalue("postgres_template")
            url = stack.enter_context(server.database(template))
        yield stack.enter_context(made_site(tmp_path, url))


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Clients]:
    """Two clinicians and an administrator of one application with canned answers."""
    settings = asking_settings(tmp_path_factory.mktemp("readings"), small_phantom)
    with asking(settings, accounts(settings)) as clients:
        yield clients
