"""Plain HTML pages, which their own scripts fill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pathviewer.auth.identity import identity_of, refusal
from pathviewer.ui.page_files import STATIC_PATH

if TYPE_CHECKING:
    from starlette.requests import Request

    from pathviewer.auth.roles import Action
    from pathviewer.settings import Settings

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)


def render_page(settings: Settings, name: str, **values: Any) -> str:
    """Return the template `name.html` with these values."""
    template = _templates.get_template(f"{name}.html")
    return template.render(root=settings.root_path, static=STATIC_PATH, **values)


def html_page_route(settings: Settings, name: str, action: Action, **values: Any) -> Route:
    """Return the route `/name` of the template `name.html`.

    Accounts that may not `action` get 403 and a page with the refusal.
    """

    async def page(request: Request) -> Response:
        identity = identity_of(request.scope)
        allowed = identity.may(action)
        html = render_page(
            settings, name, allowed=allowed, refusal=refusal(identity, action), **values
        )
        return HTMLResponse(html, 200 if allowed else 403)

    return Route(f"/{name}", page)
