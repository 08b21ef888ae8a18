"""What is older than the settings keep it is removed; what somebody said never is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from pathviewer.commands.doctor import retention as retention_check
from pathviewer.commands.doctor_clock import clock as clock_check
from pathviewer.operations.clock_check import ClockCheck
from pathviewer.operations.retention import Retention
from pathviewer.server.application import Services, build_app, open_services
from pathviewer.settings import Settings
from storage.audit import list_entries_after
from storage.blobs import BlobStore
from storage.database import Database
from storage.slides.store import register_slide
from storage.tables import AuditEntry, Question, Upload, now
from tests.asking import BOX, accounts, heard
from tests.databases import new_database
from tests.library_app import write_slide
from tests.servers import serving
from tests.slide_files import write_ycbcr

DAYS = 30


@dataclass(frozen=True)
class Site:
    """A running application with four uploaded slides, of which three were asked about."""

    services: Services
    """What it stands on."""
    client: httpx.Client
    """A clinician."""
    slides: dict[str, str]
    """Ids by file name."""
    readings: dict[str, str]
    """Ids by file name."""

    def work(self) -> None:
        """One look of the background work."""
        services = self.services
        parts = services.settings, services.database, services.blobs, services.questions.forget
        Retention(*parts).work()

    def state(self, name: str) -> int:
        """What a question about that slide is answered when it is looked up."""
        return self.client.get(f"/api/readings/{self.readings[name]}").status_code


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    settings = Settings(
        data=tmp_path / "state",
        model="scripted",
        keep_questions_days=DAYS,
        keep_uploads_days=DAYS,
    )
    tokens = accounts(settings)
    settings.uploads.mkdir()
    for number, name in enumerate(("plain", "judged", "young")):
        write_ycbcr(settings.uploads / f"{name}.tiff", 300 + number)
    write_slide(settings.uploads / "folder" / "inside.tiff", 9)
    services = open_services(settings)
    headers = {"Authorization": f"Bearer {tokens['ada']}"}
    with (
        serving(build_app(services)) as base,
        httpx.Client(base_url=base, headers=headers, timeout=30) as client,
    ):
        slides = {each.file.path.stem: each.id for each in services.library.slides()}
        slides.pop("CMU-1-Small-Region", None)
        names = ("plain", "judged", "young")
        readings = {name: ask(client, slides[name], 40 * n) for n, name in enumerate(names)}
        judge(client, readings["judged"])
        age(services, settings.uploads, young=readings["young"])
        yield Site(services, client, slides, readings)


def ask(client: httpx.Client, slide: str, x: int) -> str:
    """The id of a question that was answered."""
    body = {"slide": slide, "box": BOX | {"x": x}, "question": "What is it?"}
    reading = str(client.post("/api/readings", json=body).raise_for_status().json()["id"])
    heard(client, reading)
    return reading


def judge(client: httpx.Client, reading: str) -> None:
    """Give a verdict on its answer."""
    (answer,) = client.get(f"/api/readings/{reading}").json()["completions"]
    body = {"key": "k", "completion": answer["id"], "kind": "verdict", "verdict": "correct"}
    client.post("/api/feedback", json=body).raise_for_status()


def age(services: Services, uploads: Path, young: str) -> None:
    """Let everything but one question and its slide be older than the settings keep it."""
    long_ago = now() - timedelta(days=DAYS, seconds=60)
    with services.database.session() as session:
        of_old = update(Question).where(Question.id != young)
        session.execute(of_old.values(created_at=long_ago))
    for path in uploads.rglob("*.tiff"):
        if path.stem != "young":
            os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))
    note_use(services.database, now() - timedelta(days=2))


def note_use(database: Database, at: datetime) -> None:
    """Let somebody have used the program at a time."""
    with database.session() as session:
        session.add(AuditEntry(at=at, action="view_slide", subject="s", detail={}))


def test_what_is_too_old_goes_and_what_was_judged_stays(site: Site) -> None:
    uploads = site.services.settings.uploads
    pictures = set(site.services.blobs.list_names())
    site.work()
    assert {name: site.state(name) for name in site.readings} == {
        "plain": 404,
        "judged": 200,
        "young": 200,
    }
    left = {path.name for path in uploads.iterdir() if not path.name.startswith(".")}
    assert left == {"judged.tiff", "young.tiff"}
    assert len(set(site.services.blobs.list_names())) < len(pictures)
    with site.services.database.read_only() as session:
        actions = [entry.action for entry in list_entries_after(session, 0, limit=1000)]
    assert actions.count("expired_questions") == 1
    assert actions.count("expired_upload") == 2
    until = time.monotonic() + 30
    gone = f"/api/slides/{site.slides['plain']}"
    while site.client.get(gone).status_code != 410:
        assert time.monotonic() < until
        time.sleep(0.1)
    site.work()  # finds nothing more
    assert site.state("judged") == 200


@pytest.mark.long
def test_what_the_sender_called_an_upload_goes_with_it(site: Site, tmp_path: Path) -> None:
    services, client = site.services, site.client
    data = write_ycbcr(tmp_path / "new.tiff", 280).read_bytes()
    body = {"name": "SMITH-Jane.tiff", "size": len(data)}
    begun = client.post("/api/uploads", json=body).raise_for_status().json()["upload_id"]
    sent = client.patch(
        f"/api/uploads/{begun}", content=data, headers={"Upload-Offset": "0"}
    ).raise_for_status()
    assert sent.status_code == 201
    for path in services.settings.uploads.glob("*/*.tiff"):
        os.utime(path, (0, 0))
    site.work()
    assert not list(services.settings.uploads.glob("*/*.tiff"))
    with services.database.read_only() as session:
        assert session.scalars(select(Upload.file_name)).all() == []


@pytest.mark.long
def test_nothing_goes_where_the_settings_keep_all(site: Site) -> None:
    services = site.services
    everything = Settings(data=services.settings.data)
    with services.database.read_only() as session:
        before = set(session.scalars(select(Question.id)))
    Retention(everything, services.database, services.blobs, services.questions.forget).work()
    with services.database.read_only() as session:
        assert set(session.scalars(select(Question.id))) == before
    assert (everything.uploads / "folder" / "inside.tiff").exists()


def test_a_clock_far_ahead_of_the_database_removes_nothing(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The program was last used 40 days ago by its clock, and again just now."""
    settings = Settings(data=state, keep_questions_days=DAYS, keep_uploads_days=DAYS)
    upload = write_slide(settings.uploads / "folder" / "a.tiff")
    os.utime(upload, (0, 0))
    database, blobs = new_database(settings.database), BlobStore(settings.blobs)
    task = Retention(settings, database, blobs, lambda _: None)
    for days in (0, 40, 50):
        note_use(database, now() - timedelta(days=days))
    with database.session() as session:
        register_slide(
            session,
            folder=os.path.realpath(settings.uploads),
            relative_path="folder/a.tiff",
            quickhash=None,
        )
    task.work()
    assert upload.exists()
    (line,) = caplog.messages
    assert "40 days after the newest entry" in line
    (check,) = clock_check(settings)
    assert (check.verdict, check.sentence) == ("note", line)
    note_use(database, now() - timedelta(days=1, seconds=1))  # a day after the first use
    task.work()
    assert not upload.exists()
    assert list(clock_check(settings)) == []
    database.close()


def test_the_clock_of_a_running_server_is_believed_until_it_jumps(state: Path) -> None:
    database = new_database(Settings(data=state).database)
    at, seconds = now(), 0.0
    check = ClockCheck(lambda: at, lambda: seconds)
    note_use(database, at)
    at += timedelta(days=2)
    assert check.refusal(database) == ""
    at, seconds = at + timedelta(days=90), 90 * 86_400.0
    assert check.refusal(database) == "", "nobody used it for 90 days"
    at += timedelta(days=8)
    assert "100 days after the newest entry" in check.refusal(database)
    database.close()


@pytest.mark.long
def test_a_link_among_the_uploads_is_removed_and_not_what_it_leads_to(
    site: Site, tmp_path: Path
) -> None:
    elsewhere = write_slide(tmp_path / "elsewhere" / "a.tiff")
    folder = site.services.settings.uploads / "folder"
    (folder / "link").symlink_to(elsewhere.parent, target_is_directory=True)
    os.utime(folder / "link", (0, 0), follow_symlinks=False)
    site.work()
    assert not folder.exists()
    assert elsewhere.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, "kept forever"), ({"keep_questions_days": 1}, "kept 1 day, longer with feedback")],
)
def test_doctor_says_what_is_set(given: dict[str, int], said: str) -> None:
    (check,) = retention_check(Settings(**given))  # type: ignore[arg-type]
    assert said in check.sentence
