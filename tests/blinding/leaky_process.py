"""A deliberate leak, and a deliberate refusal, that the machine must find."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.blinding.in_process import InProcess

if TYPE_CHECKING:
    from tests.blinding.in_process import Response
    from tests.blinding.site import Site


class LeakyProcess(InProcess):
    """Shows everybody's comments with the feedback on a completion, and no verdicts on a slide."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._inner = site.process

    def request(
        self, token: str, method: str, target: str, body: Any = None, *, stream: bool = False
    ) -> Response:
        """Return the response with what it should not show."""
        answer = self._inner.request(token, method, target, body, stream=stream)
        if answer.is_good and re.fullmatch("/api/completions/[^/]+/feedback", target):
            statement = "SELECT comment FROM feedback WHERE completion_id = ?"
            comments = self._site.rows(statement, target.split("/")[3])
            answer.body = json.dumps(answer.json() | {"comments": comments}).encode()
        if answer.is_good and re.fullmatch("/api/slides/[^/]+/map", target):
            questions = [each | {"verdict": None} for each in answer.json()["questions"]]
            answer.body = json.dumps({"questions": questions}).encode()
        return answer
