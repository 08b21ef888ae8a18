"""The page of exports in a browser: chosen, begun, watched, downloaded."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from pathviewer.settings import Settings
from tests.pathviewer.export.made_labels import fill, new_labels
from tests.servers import running

PASSWORD = "correct horse battery"
SLOW_MS = 60_000
"""What a page may take on a busy machine."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, assets: Path) -> Iterator[str]:
    """The application with labels, a researcher and a clinician."""
    data = tmp_path_factory.mktemp("exports")
    (data / "assets").symlink_to(assets, target_is_directory=True)
    labels = new_labels(data)
    fill(labels, slides=4)
    with labels.database.session() as session:
        labels.case(session, "s0", "S-1")
        add_user(session, "rosa", Role.researcher, PASSWORD, rater=False)
        add_user(session, "carl", Role.clinician, PASSWORD)
    labels.database.close()
    with running(Settings(data=data, model="none")) as base:
        yield base


def log_in(page: Page, base: str, name: str) -> None:
    page.goto(f"{base}/export")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_a_researcher_exports_and_downloads(page: Page, judged: str, tmp_path: Path) -> None:
    log_in(page, judged, "rosa")
    page.get_by_label("Format").select_option("unpaired", timeout=SLOW_MS)
    page.get_by_label("Several raters").select_option("majority")
    page.get_by_label("Cases").select_option("S-1")
    page.get_by_role("button", name="Export").press("Enter")
    job = page.locator(".pv-export-job").first
    expect(job).to_have_attribute("data-state", "done", timeout=SLOW_MS)
    expect(job).to_contain_text(re.compile("(train|validation|test) 2 rows of 2 judged items"))
    with page.expect_download() as download:
        job.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        tables = [name for name in archive.namelist() if name.endswith(".parquet")]
    assert len(tables) == 1  # one case lies in one split; which one, its random ids decide
    page.get_by_label("From").fill("2100-01-01")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("alert")).to_contain_text("No feedback matches")
    page.get_by_label("Train, validation, test").fill("all")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("status")).to_contain_text("“all” are no shares")


@pytest.mark.long
def test_a_clinician_is_told_that_he_may_not(page: Page, judged: str) -> None:
    log_in(page, judged, "carl")
    expect(page.get_by_role("alert")).to_contain_text("The role clinician may not export")
