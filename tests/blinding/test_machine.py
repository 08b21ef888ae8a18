"""Nobody sees what the policy hides, and everybody what it shows, whatever eight people do.

`PATHVIEWER_BLINDING_STEPS` sets the steps of the long run; its report is printed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import storage.base
import storage.comparisons.tables
from tests.blinding.called_routes import assert_every_endpoint_called, assert_every_route_called
from tests.blinding.catalogue import Catalogue, read_catalogue
from tests.blinding.leaky_process import LeakyProcess
from tests.blinding.machine import BlindingMachine, Run
from tests.blinding.repeatable_ids import RepeatableIds
from tests.blinding.scanner import Report
from tests.blinding.site import Site, open_site

SHORT_STEPS = 200
STEPS = 2_000
STEPS_IN_AN_EXAMPLE = 50
CONTROL_STEPS = 400
LONG_STEPS = int(os.environ.get("PATHVIEWER_BLINDING_STEPS", "0"))
LONG_STEPS_IN_AN_EXAMPLE = 100


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


@pytest.mark.long
def test_the_machine_finds_a_leak_and_a_refusal(
    site: Site, made: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report()
    monkeypatch.setattr(site, "process", LeakyProcess(site))
    run_machine(Run(site, made, report, CONTROL_STEPS, collects=True), STEPS_IN_AN_EXAMPLE)
    assert "LEAK feedback in GET /api/completions/*/feedback" in report.differences
    assert "verdict on the map in GET /api/slides/*/map" in report.differences


def test_nobody_sees_what_the_policy_hides_in_a_short_run(site: Site, made: Catalogue) -> None:
    report = Report()
    run_machine(Run(site, made, report, SHORT_STEPS), STEPS_IN_AN_EXAMPLE)
    assert report.steps >= SHORT_STEPS
    assert_not_empty(report)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nobody_sees_what_the_policy_hides(site: Site, made: Catalogue) -> None:
    report = Report()
    run_machine(Run(site, made, report, STEPS), STEPS_IN_AN_EXAMPLE)
    print(report.describe())  # noqa: T201
    assert report.steps >= STEPS
    assert_not_empty(report)
    assert_every_route_called(site, report)


@pytest.mark.long
@pytest.mark.skipif(not LONG_STEPS, reason="an hour; PATHVIEWER_BLINDING_STEPS sets the steps")
@pytest.mark.timeout(0)
def test_nobody_sees_what_the_policy_hides_in_a_long_run(site: Site, made: Catalogue) -> None:
    report = Report()
    run = Run(site, made, report, LONG_STEPS, collects=True, every=1_000)
    run_machine(run, LONG_STEPS_IN_AN_EXAMPLE)
    print(report.describe())  # noqa: T201
    assert_not_empty(report)
    assert_every_route_called(site, report)
    assert_every_endpoint_called(site, report)
    assert not report.differences, report.describe()
