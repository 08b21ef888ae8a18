"""A headless Chromium that draws WebGL in software and talks to nobody of its own accord."""

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
    """Path of an installed Chromium; `None` leaves the choice to Playwright's own download."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def launch_chromium(playwright: Playwright, *flags: str) -> Browser:
    """Start the browser; raises Playwright's error, which says how to get one, if there is none."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
