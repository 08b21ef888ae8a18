"""Whoever judges is asked once under which licence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.identity import Forbidden
from pathviewer.auth.roles import Role
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from pathviewer.settings import Settings
from storage.accounts.consents import add_consent, has_agreed
from storage.database import open_database
from storage.errors import StorageError
from storage.tables import Consent
from tests.pathviewer.auth.small_site import PASSWORD, Site, site
from tests.pathviewer.export.made_labels import fill, new_labels
from tests.servers import running

LICENCE = "cc-by-4.0"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Site]:
    """A site that asks, with a clinician and a viewer."""
    with site(tmp_path, label_licence=LICENCE) as running_site:
        with running_site.database.session() as session:
            add_user(session, "ada", Role.clinician, PASSWORD)
            add_user(session, "vera", Role.viewer, PASSWORD)
        yield running_site


def test_a_clinician_is_asked_once(ward: Site) -> None:
    answer = ward.log_in("ada", next="/?slide=1&x=2")
    assert answer.headers["location"] == "/consent?next=%2F%3Fslide%3D1%26x%3D2"
    page = ward.client.get(answer.headers["location"])
    assert page.status_code == 200
    assert LICENCE in page.text
    assert 'value="/?slide=1&amp;x=2"' in page.text
    form = {"next": "/?slide=1&x=2"}
    origin = {"origin": str(ward.client.base_url).rstrip("/")}
    for _ in range(2):
        gone = ward.client.post("/consent", data=form, headers=origin, follow_redirects=False)
        assert (gone.status_code, gone.headers["location"]) == (303, "/?slide=1&x=2")
    assert [entry.subject for entry in ward.audit() if entry.action == "agreed"] == [LICENCE]
    assert ward.log_in("ada", next="/x").headers["location"] == "/x"


def test_who_cannot_judge_is_not_asked(ward: Site) -> None:
    assert ward.log_in("vera", next="/x").headers["location"] == "/x"
    with pytest.raises(Forbidden):  # which the application answers with 403
        ward.client.get("/consent")


def test_nobody_is_asked_without_a_licence(tmp_path: Path) -> None:
    with site(tmp_path) as plain:
        with plain.database.session() as session:
            add_user(session, "ada", Role.clinician, PASSWORD)
        assert plain.log_in("ada", next="/x").headers["location"] == "/x"


def test_a_consent_stays(ward: Site) -> None:
    with ward.database.session() as session:
        assert add_consent(session, "local", LICENCE)
        assert not add_consent(session, "local", LICENCE)
        assert not has_agreed(session, "local", "cc0-1.0")
    with pytest.raises(StorageError), ward.database.session() as session:
        session.query(Consent).delete()


def test_a_judgment_waits_for_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, model="none", label_licence=LICENCE)
    database = open_database(settings.database)
    with database.session() as session:
        add_user(session, "ada", Role.clinician, PASSWORD)
        token = make_token(session, "ada", "tests", 1)
    database.close()
    body = {"key": "1", "completion": "none", "kind": "verdict", "verdict": "correct"}
    with running(settings) as base:
        client = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"})
        refused = client.post("/api/feedback", json=body)
        assert refused.status_code == 403
        assert "open /consent" in refused.json()["error"]["message"]
        assert client.post("/consent", data={"next": "/"}).status_code == 303
        assert client.post("/api/feedback", json=body).status_code == 404
        client.close()


def test_the_card_says_how_many_agreed(tmp_path: Path) -> None:
    labels = new_labels(tmp_path / "state")
    fill(labels, slides=2)
    with labels.database.session() as session:
        add_consent(session, labels.people["ada"], LICENCE)
    plan = ExportPlan(FORMATS["unpaired"], licence=LICENCE)
    export(labels.database, labels.blobs, plan, tmp_path / "out")
    labels.database.close()
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"Licence: {LICENCE} (1 of 2 raters agreed)." in card
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["licence"] == LICENCE
