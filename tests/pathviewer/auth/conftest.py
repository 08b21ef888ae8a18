"""Sites that many tests of the access rules ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pathviewer.auth.small_site import Site, site


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Site]:
    """A site on this machine without accounts."""
    with site(tmp_path) as running:
        yield running


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Site]:
    """A site with the account ada, asked by a stranger."""
    with site(tmp_path) as running:
        running.add()
        yield running
