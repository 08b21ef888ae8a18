"""An application with worklists whose answers come from a script, and raters who walk them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from typer.testing import CliRunner

from pathviewer.auth.roles import Role
from pathviewer.commands.main import app
from pathviewer.settings import Settings
from tests.browser.conftest import PATIENCE
from tests.browser.logins import add_clinician, log_in
from tests.browser.readings import scripted_settings
from tests.browser.viewer_page import ViewerPage
from tests.servers import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

OPTIONS = ["Squamous cell carcinoma", "Adenocarcinoma"]
RATERS = {"ada": Role.clinician, "bob": Role.clinician, "eve": Role.researcher}


@dataclass(frozen=True)
class Ward:
    """An application with lists; of all raters the names and passwords are those of `logins`."""

    base: str
    """Its base URL."""
    settings: Settings
    """What it runs with."""


def command(*arguments: str) -> None:
    """Run a command that must succeed."""
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == 0, done.output


def import_list(folder: Path, name: str, slides: list[str], *options: str) -> None:
    """A list with an item on each slide, answered by the script."""
    rows = [
        {
            "slide": slide,
            "box": [300 + 200 * place, 400, 280, 240],
            "question": f"Which tumour is it, item {place}?",
            "options": OPTIONS,
            "answer": "A",
        }
        for place, slide in enumerate(slides)
    ]
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command("worklist", "import", str(path), "--repeats", "0", *options)


@contextmanager
def ward(folder: Path, assets: Path, phantom: Path, cmu: Path) -> Iterator[Ward]:
    """Two slides; a blind list, and one to teach with."""
    settings = scripted_settings(folder, assets, phantom)
    shutil.copyfile(cmu, settings.slides[0] / "cmu.svs")
    for name, role in RATERS.items():
        add_clinician(settings, name, role)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        import_list(folder, "blind", ["phantom", "cmu", "phantom"])
        import_list(folder, "residents", ["cmu", "cmu", "phantom"], "--no-blind", "--teaching")
        for name in ("blind", "residents"):
            command("worklist", "generate", name, "--model", str(settings.model))
    with running(settings) as base:
        yield Ward(base, settings)


@contextmanager
def rater(browser: Browser, base: str, name: str) -> Iterator[Page]:
    """The page of somebody who has logged in, in a browser of his own."""
    context = browser.new_context(base_url=base, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, base, name)
    yield page
    context.close()
    assert errors == [], errors


def choose(page: Page, name: str, *, here: bool = True) -> None:
    """Open a list by keyboard; `here` says that its item can be shown."""
    page.keyboard.press("k")
    row = page.locator("#pv-worklists").get_by_role("button", name=name)
    expect(row).to_be_visible()
    for _ in range(4):
        if row.evaluate("(node) => node === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(foot(page)).to_contain_text(name)
    if here:
        wait_item(page)


def foot(page: Page) -> Locator:
    """The foot of the right column, which says how far the list is."""
    return page.get_by_role("region", name="Worklist item")


def wait_item(page: Page) -> dict[str, Any]:
    """The item in hand once it is on the screen, on its slide, in view."""
    page.wait_for_function(
        """() => {
          const store = window.PathViewer?.store;
          const item = store?.get("item");
          return item && !store.get("walking") && store.get("reading")?.item?.id === item.id
            && store.get("slide")?.id === item.slide.id;
        }"""
    )
    ViewerPage(page, "").wait_loaded()
    found: dict[str, Any] = page.evaluate("window.PathViewer.store.get('item')")
    return found
