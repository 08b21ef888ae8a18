"""Pages that need no login: plain HTML without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import FileResponse, HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pathviewer.settings import Settings

FOLDER = Path(__file__).parent / "templates"
_templates = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined
)


def login_page(
    settings: Settings,
    *,
    status: int = 200,
    next_path: str = "/",
    name: str = "",
    message: str = "",
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return the login form; the browser continues at `next_path` below the sub-path."""
    html = _templates.get_template("login.html").render(
        root=settings.root_path,
        next_path=safe_path(next_path),
        name=name,
        message=message,
        oidc=bool(settings.oidc_issuer),
    )
    return HTMLResponse(html, status, headers)


def consent_page(settings: Settings, next_path: str) -> HTMLResponse:
    """Return the consent page; without a licence, a page that goes on by itself."""
    if not settings.label_licence:
        return go_on_page(settings, next_path)
    html = _templates.get_template("consent.html").render(
        root=settings.root_path,
        licence=settings.label_licence,
        next_path=safe_path(next_path),
        message="",
    )
    return HTMLResponse(html)


def notice_page(settings: Settings, message: str, *, status: int) -> HTMLResponse:
    """Return a page with a sentence and a link to the login."""
    html = _templates.get_template("notice.html").render(
        root=settings.root_path,
        title="Log in",
        message=message,
        target=f"{settings.root_path}/login",
        link="Back to the login",
        refresh=False,
    )
    return HTMLResponse(html, status)


def go_on_page(settings: Settings, next_path: str) -> HTMLResponse:
    """Return a page that goes on by itself.

    A redirect would still count as cross-site navigation, for which browsers send no
    SameSite=Strict cookie.
    """
    html = _templates.get_template("notice.html").render(
        root=settings.root_path,
        title="Logged in",
        message="You are logged in.",
        target=settings.root_path + safe_path(next_path),
        link="Go on",
        refresh=True,
    )
    return HTMLResponse(html)


def style_sheet() -> FileResponse:
    """Return the style sheet of these pages."""
    headers = {"cache-control": "max-age=3600"}
    return FileResponse(FOLDER / "login.css", media_type="text/css", headers=headers)


def safe_path(path: str) -> str:
    """Return the path if it stays on this server, otherwise `/`."""
    odd = "\\" in path or not path.isprintable() or not path.startswith("/")
    if odd or path.startswith("//") or len(path) > 2000:
        return "/"
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else path
