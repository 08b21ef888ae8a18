"""The routes of the application, and whether a scenario got a good answer and a refusal of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from starlette.routing import BaseRoute, Mount, Route

TILES = ("GET", "/api/slides/{}/tiles/{}/{}/{}")
"""Served beside the table of routes, since it is the busiest one."""

NO_REFUSAL = {
    "GET /login": "open to anybody",
    "GET /login.css": "open to anybody",
    "GET /api/health": "open to anybody",
}
"""Routes without a refusal of their own, with the reason."""

NO_GOOD_ANSWER = {
    "GET /login/oidc": "needs an identity provider",
    "GET /login/oidc/callback": "needs an identity provider",
    "GET /api/docs": "a page of a third party's script",
    "GET /api/openapi.json": "committed as docs/openapi.json",
    "GET /vendor/plotly": "files of a third party",
    "GET /vendor": "files of a third party, which a test does not download",
}
"""Routes without a good answer, with the reason."""


@dataclass
class Routes:
    """Methods and paths, with what was seen of each."""

    table: dict[tuple[str, str], re.Pattern[str]]
    """Expression of the paths of each (method, template); the first that fits is meant."""
    good: set[str] = field(default_factory=set)
    """Routes that gave a good answer."""
    refused: set[str] = field(default_factory=set)
    """Routes that refused a request."""

    def note(self, method: str, path: str, *, good: bool) -> None:
        """A request was answered."""
        (self.good if good else self.refused).add(self.name(method, path))

    def name(self, method: str, path: str) -> str:
        """Method and template of a path, such as `GET /api/slides/{}`."""
        for (way, template), expression in self.table.items():
            if way == method and expression.match(path):
                return f"{way} {template}"
        return f"{method} a path without a route"

    def gaps(self) -> list[str]:
        """What the scenario lacks, in sentences."""
        every = {f"{method} {template}" for method, template in self.table}
        return [
            *(f"{name} has no good answer" for name in every - self.good - set(NO_GOOD_ANSWER)),
            *(f"{name} has no refusal" for name in every - self.refused - set(NO_REFUSAL)),
            *(
                f"{name} is excepted and no route"
                for name in {*NO_GOOD_ANSWER, *NO_REFUSAL} - every
            ),
        ]

    def samples(self) -> Iterator[tuple[str, str, str]]:
        """(name, method, path) of every route, with `x` or 0 for its parameters."""
        for method, template in self.table:
            path = re.sub(r"\{\}", "0" if "/completions/{}/" in template else "x", template)
            path = path.replace("/readings/0", "/readings/x")
            mounted = template in ("/ui", "/vendor", "/vendor/plotly")
            yield f"{method} {template}", method, f"{path}/x.js" if mounted else path


def routes_of(table: Iterable[BaseRoute]) -> Routes:
    """The routes of a table; HEAD is left out where GET is there too."""
    expressions: dict[tuple[str, str], re.Pattern[str]] = {
        TILES: re.compile(r"/api/slides/[^/]+/tiles/")
    }
    for route in table:
        if isinstance(route, Route):
            methods = set(route.methods or {"GET"})
            methods -= {"HEAD"} if "GET" in methods else set()
        else:
            assert isinstance(route, Mount), route
            methods = {"GET"}
        template = re.sub(r"\{[^}]*\}", "{}", route.path)
        for method in sorted(methods):
            expressions[method, template] = route.path_regex
    return Routes(expressions)
