"""What each role may do, asked of the whole application with real tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from pathviewer.server.application import open_services
from pathviewer.settings import Settings
from tests.library_app import write_slide
from tests.servers import running

SQUARE = {"shape": "rectangle", "points": [[1, 1], [9, 1], [9, 9], [1, 9]]}

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "list slides": ("GET", "/api/slides", None),
    "look at a slide": ("GET", "/api/slides/{slide}", None),
    "list regions": ("GET", "/api/slides/{slide}/regions", None),
    "name a slide": ("PATCH", "/api/slides/{slide}", {"alias": "Lung"}),
    "draw a region": ("POST", "/api/slides/{slide}/regions", SQUARE),
    "upload a slide": ("POST", "/api/uploads", {"name": "a.tiff", "size": 9}),
    "list rejected files": ("GET", "/api/slides/rejected", None),
    "look at the model": ("GET", "/api/model", None),
    "list questions": ("GET", "/api/questions", None),
    "see what a model sees": ("POST", "/api/slides/{slide}/preview", {}),
    "ask": ("POST", "/api/readings", {}),
    "list readings": ("GET", "/api/readings", None),
    "see insights": ("GET", "/api/insights", None),
    "judge": ("POST", "/api/feedback", {}),
    "see judgments": ("GET", "/api/completions/x/feedback", None),
    "read the log": ("GET", "/api/audit", None),
    "list worklists": ("GET", "/api/worklists", None),
    "compare": ("GET", "/api/comparisons", None),
    "see exports": ("GET", "/api/exports", None),
    "begin an export": ("POST", "/api/exports", {}),
}

EVERYBODY = {
    "list slides": 200,
    "look at a slide": 200,
    "list regions": 200,
    "look at the model": 200,
    "list questions": 200,
}
VIEWER = EVERYBODY | {
    "name a slide": 403,
    "draw a region": 403,
    "upload a slide": 403,
    "list rejected files": 403,
    "see what a model sees": 403,
    "ask": 403,
    "list readings": 403,
    "judge": 403,
    "see judgments": 403,
    "list worklists": 403,
    "compare": 403,
    "see exports": 403,
    "begin an export": 403,
    "read the log": 403,
    "see insights": 403,
}
CLINICIAN = EVERYBODY | {
    "name a slide": 200,
    "draw a region": 201,
    "upload a slide": 201,
    "list rejected files": 200,
    "see what a model sees": 400,
    "ask": 400,
    "list readings": 200,
    "judge": 400,
    "see judgments": 404,
    "list worklists": 200,
    "compare": 200,
    "see exports": 403,
    "begin an export": 403,
    "read the log": 403,
    "see insights": 403,
}
RESEARCHER = CLINICIAN | {"see insights": 200, "see exports": 200, "begin an export": 400}
ANSWERS = {
    Role.viewer: VIEWER,
    Role.clinician: CLINICIAN,
    Role.researcher: RESEARCHER,
    Role.admin: RESEARCHER | {"read the log": 200},
}


@dataclass(frozen=True)
class Served:
    """The application with one slide and an account of each role."""

    base: str
    """Its URL."""

    tokens: dict[Role, str]
    """Bearer tokens."""

    slide: str
    """The slide's id."""

    def ask(self, role: Role, request: str) -> httpx.Response:
        """What an account of the role is answered."""
        method, path, body = REQUESTS[request]
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        url = self.base + path.format(slide=self.slide)
        return httpx.request(method, url, json=body, headers=headers)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Made once: no request here changes what the next one is answered."""
    folder = tmp_path_factory.mktemp("roles")
    settings = Settings(data=folder / "state", slides=(folder / "slides",))
    write_slide(folder / "slides" / "a.tiff")
    tokens = accounts(settings)
    with running(settings) as base:
        headers = {"Authorization": f"Bearer {tokens[Role.admin]}"}
        (slide,) = httpx.get(f"{base}/api/slides", headers=headers).json()
        yield Served(base, tokens, slide["id"])


def accounts(settings: Settings) -> dict[Role, str]:
    """A token of a new account of each role."""
    services = open_services(settings)
    tokens = {}
    with services.database.session() as session:
        for role in Role:
            add_user(session, role.value, role, "correct horse battery staple")
            tokens[role] = make_token(session, role.value, "test", None)
    services.database.close()
    return tokens


def test_the_table_has_every_role_and_every_request() -> None:
    assert set(ANSWERS) == set(Role)
    assert all(set(answers) == set(REQUESTS) for answers in ANSWERS.values())


@pytest.mark.parametrize(
    ("role", "request_name", "status"),
    [(role, name, status) for role in ANSWERS for name, status in ANSWERS[role].items()],
)
def test_a_role_may_do_what_the_table_says(
    served: Served, role: Role, request_name: str, status: int
) -> None:
    answer = served.ask(role, request_name)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["error"]["code"] == "forbidden"
