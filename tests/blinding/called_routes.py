"""Whether a run has called every route that may show something hidden."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from tests.blinding.scanner import Report
    from tests.blinding.site import Site

SLIDES_ALONE = re.compile(
    "/api/(health|uploads.*|slides/rejected|slides/[^/]+/(?!map$).+)|(PATCH|PUT|DELETE) .*"
)
"""Routes that show, change or upload slides and regions, which nothing hides."""
SLIDE_ENDPOINTS = {"slides", "model", "questions", "preview"}
"""Gradio endpoints of the same kind."""


def assert_every_route_called(site: Site, report: Report) -> None:
    """Each route that may show something hidden was called, over HTTP or by its endpoint."""
    sent = set(report.requests)
    for route in site.api.routes():
        assert isinstance(route, Route)
        pattern = re.compile(re.sub(r"{[^}]+}", "[^/]+", re.escape(route.path).replace("\\", "")))
        for method in (route.methods or set()) - {"HEAD"}:
            if SLIDES_ALONE.fullmatch(route.path) or SLIDES_ALONE.fullmatch(f"{method} "):
                continue
            paths = [each.partition(" ")[2] for each in sent if each.startswith(f"{method} ")]
            assert any(map(pattern.fullmatch, paths)), f"{method} {route.path}"


def assert_every_endpoint_called(site: Site, report: Report) -> None:
    """Each Gradio endpoint that may show something hidden was called; needs a long run."""
    sent = set(report.requests)
    names = {each.removeprefix("gradio ") for each in sent if each.startswith("gradio ")}
    assert names == set(site.endpoints) - SLIDE_ENDPOINTS
