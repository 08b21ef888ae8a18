"""A clinician with an account, and how she logs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pathviewer.auth.account_admin import add_user
from pathviewer.auth.roles import Role
from tests.browser.viewer_page import ViewerPage
from tests.databases import new_database

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from pathviewer.settings import Settings

NAME = "ada"
PASSWORD = "correct horse battery"


def add_clinician(settings: Settings, name: str = NAME, role: Role = Role.clinician) -> None:
    """Make her account, or another one with her password, in the settings' database."""
    database = new_database(settings.database)
    with database.session() as session:
        add_user(session, name, role, PASSWORD)
    database.close()


def log_in(page: Page, base: str, name: str = NAME, query: str = "") -> ViewerPage:
    """Her view of the page, or another one's, its slide loaded."""
    page.goto(f"{base}/{query}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    viewer = ViewerPage(page, base)
    viewer.wait_loaded()
    return viewer


def log_out(page: Page) -> None:
    """Whoever is logged in on the page leaves, and the form is there for whoever comes next."""
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Password").wait_for()
