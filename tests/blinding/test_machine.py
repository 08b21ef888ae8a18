"""Nobody sees what the policy hides, and everybody what it shows, whatever eight people do.

`PATHVIEWER_BLINDING_STEPS` sets the steps of the long run; its report is printed.
"""

from __future__ import annotations

import json
import os
import random
import re
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import storage.base
import storage.comparisons.tables
from tests.blinding.catalogue import Catalogue, read_catalogue
from tests.blinding.in_process import InProcess, Response
from tests.blinding.machine import BlindingMachine, Run
from tests.blinding.scanner import Report
from tests.blinding.site import Site, open_site

STEPS = 2_000
STEPS_IN_AN_EXAMPLE = 50
CONTROL_STEPS = 400
LONG_STEPS = int(os.environ.get("PATHVIEWER_BLINDING_STEPS", "50000"))
LONG_STEPS_IN_AN_EXAMPLE = 100


class RepeatableIds:
    """Ids and sides that are the same in every run, so that failures shrink."""

    def __init__(self) -> None:
        self._random = random.Random(0)

    def restart(self) -> None:
        """Begin anew."""
        self._random.seed(1)

    def uuid(self) -> uuid.UUID:
        """In place of `uuid4`."""
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def randbelow(self, bound: int) -> int:
        """In place of `secrets.randbelow`."""
        return self._random.randrange(bound)


@pytest.fixture(scope="module")
def ids() -> Iterator[RepeatableIds]:
    """Ids of the module's own."""
    made = RepeatableIds()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage.base, "uuid4", made.uuid)
        chance = SimpleNamespace(randbelow=made.randbelow)
        patch.setattr(storage.comparisons.tables, "secrets", chance)
        yield made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, ids: RepeatableIds) -> Iterator[Site]:
    """The application with its worklists."""
    with open_site(tmp_path_factory.mktemp("blinding")) as site:
        site.on_reset = ids.restart
        yield site


@pytest.fixture(scope="module")
def made(site: Site) -> Catalogue:
    """What stands in it at the start."""
    return read_catalogue(site)


def run_machine(run: Run, in_an_example: int) -> None:
    """Run examples until the steps are done; Hypothesis ends some of them early."""
    machine = type("Machine", (BlindingMachine,), {"run": run})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=3 * run.steps // in_an_example,
            stateful_step_count=in_an_example,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=False,
            phases=(Phase.generate,) if run.collects else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


def assert_not_empty(report: Report) -> None:
    """Words of every content were seen where allowed, and many looked for where not."""
    contents = set(report.contents)
    assert contents == {"answers", "feedback", "votes", "first_answers", "reference"}
    assert report.tokens_seen > report.steps
    assert report.tokens_withheld > 10 * report.steps


class LeakyProcess(InProcess):
    """Shows everybody's comments with the feedback on a completion, and hides a slide's map."""

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
            questions = [each | {"evidence": []} for each in answer.json()["questions"]]
            answer.body = json.dumps({"questions": questions}).encode()
        return answer


def test_the_machine_finds_a_leak_and_a_refusal(
    site: Site, made: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report()
    monkeypatch.setattr(site, "process", LeakyProcess(site))
    run_machine(Run(site, made, report, CONTROL_STEPS, collects=True), STEPS_IN_AN_EXAMPLE)
    assert "LEAK feedback in GET /api/completions/*/feedback" in report.differences
    assert "REFUSED evidence in GET /api/slides/*/map" in report.differences


@pytest.mark.timeout(600)
def test_nobody_sees_what_the_policy_hides(site: Site, made: Catalogue) -> None:
    report = Report()
    run_machine(Run(site, made, report, STEPS), STEPS_IN_AN_EXAMPLE)
    print(report.describe())  # noqa: T201
    assert report.steps >= STEPS
    assert_not_empty(report)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_nobody_sees_what_the_policy_hides_in_a_long_run(site: Site, made: Catalogue) -> None:
    report = Report()
    run = Run(site, made, report, LONG_STEPS, collects=True, every=1_000)
    run_machine(run, LONG_STEPS_IN_AN_EXAMPLE)
    print(report.describe())  # noqa: T201
    assert_not_empty(report)
    assert not report.differences, report.describe()
