"""The real application with small slides, and a browser that records where it sends requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import tifffile
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from pathviewer.bench.chromium import launch_chromium
from pathviewer.settings import Settings
from tests.browser.viewer_page import ViewerPage
from tests.servers import running
from tests.slide_files import write_ycbcr

OTHER_HOST = "viewer.example"
"""A name by which the browser reaches this machine, as it would another one."""

expect.set_options(timeout=20_000)  # of a machine that has more to do than this

PATIENCE = 45_000
"""Longest wait for a page, ms, on a machine that has more to do."""

STORED = "cookies,file_systems,indexeddb,local_storage,service_workers,cache_storage"
"""What pages may leave in a browser."""

PLAIN_WIDTH, DAMAGED_WIDTH = 700, 500


@dataclass
class App:
    """A running application and its slides."""

    base: str
    """Its base URL."""
    slides: dict[str, str]
    """Slide ids by what they are: phantom, cmu, plain (no scale), damaged."""

    def client(self) -> httpx.Client:
        """A client that says, as a page of the application does, where its requests come from."""
        return httpx.Client(base_url=self.base, headers={"Origin": self.base}, timeout=30)

    def forget_regions(self) -> None:
        """Delete all regions, so that a test starts with none."""
        with self.client() as client:
            for slide in self.slides.values():
                regions = f"/api/slides/{slide}/regions"
                for region in client.get(regions).raise_for_status().json():
                    client.delete(f"{regions}/{region['id']}").raise_for_status()

    def rename(self, slide: str, alias: str) -> None:
        """Give a slide another name."""
        with self.client() as client:
            client.patch(f"/api/slides/{slide}", json={"alias": alias}).raise_for_status()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, small_phantom: Path, cmu: Path) -> Path:
    """A folder with one slide of each kind."""
    folder = tmp_path_factory.mktemp("shelf")
    shutil.copyfile(small_phantom, folder / "phantom.tiff")
    shutil.copyfile(cmu, folder / "cmu.svs")
    write_ycbcr(folder / "plain.tiff", PLAIN_WIDTH, 520)
    damage(write_ycbcr(folder / "damaged.tiff", DAMAGED_WIDTH, 400))
    return folder


def damage(path: Path) -> None:
    """Blank the bytes of the third tile of level 0."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        start, count = page.dataoffsets[2], page.databytecounts[2]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(count))


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, shelf: Path, assets: Path) -> Iterator[App]:
    """The application, one for all browser tests."""
    data = tmp_path_factory.mktemp("state")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    with running(Settings(data=data, slides=(shelf,))) as base:
        listed = httpx.get(f"{base}/api/slides", timeout=30).raise_for_status().json()
        kinds = {3000: "phantom", 2220: "cmu", PLAIN_WIDTH: "plain", DAMAGED_WIDTH: "damaged"}
        yield App(base, {kinds[slide["width"]]: slide["id"] for slide in listed})


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for all browser tests."""
    with sync_playwright() as playwright:
        chromium = launch_chromium(playwright, f"--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1")
        yield chromium
        chromium.close()


@dataclass
class Traffic:
    """What the browser did besides showing pages."""

    requests: list[str] = field(default_factory=list)
    """URL of every request."""
    errors: list[str] = field(default_factory=list)
    """Uncaught exceptions of the pages' scripts."""

    def note(self, request: Request) -> None:
        """Write one request down."""
        self.requests.append(request.url)

    def hosts(self) -> set[str]:
        """Hosts that were asked for anything; data: and blob: URLs leave the machine nowhere."""
        return {
            urlsplit(url).netloc
            for url in self.requests
            if urlsplit(url).scheme not in {"data", "blob"}
        }


@pytest.fixture
def traffic() -> Traffic:
    """The record of the test's own tab."""
    return Traffic()


@pytest.fixture(scope="session")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """The context of all tabs, so that scripts are fetched and compiled once, as in a real browser.

    A context for each test costs about two seconds of processor time for Gradio's scripts alone.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(shared_context: BrowserContext, traffic: Traffic) -> Iterator[Page]:
    """A tab of 1440 x 900 px in a browser without cookies and storage; fails on a script error."""
    context = shared_context
    context.on("request", traffic.note)
    tab = context.new_page()
    tab.on("pageerror", lambda error: traffic.errors.append(str(error)))
    yield tab
    for other in context.pages:
        if other is not tab:
            other.close()
    tab.close()
    context.remove_listener("request", traffic.note)
    empty(context, traffic.hosts())
    assert not traffic.errors


def empty(context: BrowserContext, hosts: set[str]) -> None:
    """Remove cookies and everything that pages of these hosts stored; the cache stays."""
    context.set_offline(False)
    context.clear_cookies()
    tab = context.new_page()
    tools = context.new_cdp_session(tab)
    for host in hosts:
        for scheme in ("http", "https"):
            origin = {"origin": f"{scheme}://{host}", "storageTypes": STORED}
            tools.send("Storage.clearDataForOrigin", origin)
    tab.close()


@pytest.fixture
def viewer(page: Page, app: App) -> ViewerPage:
    """The viewer's page, with no regions left from another test."""
    app.forget_regions()
    return ViewerPage(page, app.base)
