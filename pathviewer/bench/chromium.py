"""A headless Chromium with software WebGL and no network traffic of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of an installed Chromium; `None` selects Playwright's own download."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def launch_chromium(playwright: Playwright, *flags: str) -> Browser:
    """Start the browser; raises Playwright's error, with instructions, if there is none."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
