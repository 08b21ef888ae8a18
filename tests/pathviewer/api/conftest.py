"""An empty library that takes uploads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pathviewer.auth.identity import LOCAL
from pathviewer.settings import Settings
from tests.asking import Clients, accounts, asking, asking_settings
from tests.library_app import LibraryApp, library_app, write_slide


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


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path) -> Iterator[Clients]:
    """Two clinicians and an administrator of one application with canned answers."""
    settings = asking_settings(tmp_path_factory.mktemp("readings"), small_phantom)
    with asking(settings, accounts(settings)) as clients:
        yield clients
