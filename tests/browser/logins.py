"""A clinician with an account, and how she logs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.auth.roles import Role
from pathviewer.auth.users import add_user
from storage.database import open_database
from tests.browser.viewer_page import ViewerPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from pathviewer.settings import Settings

NAME = "ada"
PASSWORD = "correct horse battery"


def add_clinician(settings: Settings) -> None:
    """Make her account in the settings' database."""
    database = open_database(settings.database)
    with database.session() as session:
        add_user(session, NAME, Role.clinician, PASSWORD)
    database.close()


def log_in(page: Page, base: str) -> ViewerPage:
    """Her view of the page, its slide loaded."""
    page.goto(base)
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    viewer = ViewerPage(page, base)
    viewer.wait_loaded()
    return viewer
