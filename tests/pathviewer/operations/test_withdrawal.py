"""Taking back by command, and reading the log of what was done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pathviewer.auth.account_admin import add_user, make_token
from pathviewer.auth.roles import Role
from pathviewer.commands.main import app
from pathviewer.export.manifest import file_sha256
from pathviewer.settings import Settings
from storage.audit import add_entry
from storage.cases.store import find_case
from tests.commands import called
from tests.databases import new_database
from tests.pathviewer.export.made_labels import Labels, fill, new_labels
from tests.servers import running


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Labels]:
    """Three slides, two of them of cases."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "state"))
    made = new_labels(tmp_path / "state")
    fill(made, slides=3)
    with made.database.session() as session:
        made.case(session, "s0", "S-1", organ="lung")
        made.case(session, "s1", "S-2", organ="lung")
    yield made
    made.database.close()


def run(*arguments: str, typed: str = "") -> tuple[int, str]:
    done = called(app, *arguments, typed=typed)
    return done.code, done.told


def pictures(labels: Labels) -> int:
    return len([*(labels.folder / "blobs").glob("??/*")])


def test_a_case_goes_with_its_pictures(labels: Labels, tmp_path: Path) -> None:
    assert pictures(labels) == 3
    earlier = tmp_path / "earlier"
    assert run("export", "--format", "sft", "--out", str(earlier))[0] == 0
    assert run("withdraw", "--case", "S-1", typed="n\n")[0] == 1
    assert pictures(labels) == 3
    code, told = run("withdraw", "--case", "S-1", typed="y\n")
    removed = "Removed 1 question with 2 answers, 6 pieces of feedback"
    assert (code, removed in told) == (0, True), told
    assert file_sha256(earlier / "manifest.json") in told
    assert pictures(labels) == 2
    with labels.database.read_only() as session:
        assert find_case(session, "S-1") is None
        assert find_case(session, "S-2") is not None
    assert run("withdraw", "--case", "S-1", "--yes") == (
        1,
        "There is no case named S-1; nothing was changed.",
    )
    log = [json.loads(line) for line in run("audit")[1].splitlines()]
    assert log[-1]["action"] == "withdrew_case"
    assert "S-1" not in json.dumps(log)
    out = tmp_path / "out"
    assert run("export", "--format", "grpo", "--out", str(out))[0] == 0
    assert json.loads((out / "manifest.json").read_text())["counts"]["readings"] == 2


def test_a_rater_goes(labels: Labels) -> None:
    code, told = run("withdraw", "--rater", "bob", "--yes")
    assert (code, "2 pieces of feedback" in told) == (0, True), told
    assert pictures(labels) == 3
    state = b"".join(path.read_bytes() for path in labels.folder.glob("pathviewer.sqlite3*"))
    assert b"Dr Smith" not in state


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Name either a --case or a --rater."),
        (["--case", "S-1", "--rater", "ada"], "Name either a --case or a --rater."),
        (["--rater", "nobody"], "There is no account named nobody; nothing was changed."),
    ],
)
def test_whom_nobody_knows_is_told(labels: Labels, arguments: list[str], told: str) -> None:
    assert run("withdraw", "--yes", *arguments) == (1, told)


def test_the_log_is_read_in_parts(labels: Labels) -> None:
    with labels.database.session() as session:
        for number in range(1_203):
            add_entry(session, "local", "login", str(number))
    lines = [json.loads(line) for line in run("audit")[1].splitlines()]
    subjects = [line["subject"] for line in lines if line["action"] == "login"]
    assert subjects == [str(number) for number in range(1_203)]
    after = run("audit", "--after", str(lines[-3]["id"]))[1].splitlines()
    assert [json.loads(line) for line in after] == lines[-2:]


@pytest.mark.long
def test_admins_read_the_log_over_http(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    database = new_database(settings.database)
    with database.session() as session:
        tokens = {}
        for role in (Role.admin, Role.researcher):
            add_user(session, f"{role}1", role, "a long enough password")
            tokens[role] = make_token(session, f"{role}1", "test", None)
    database.close()
    with running(settings) as base, httpx.Client(base_url=base) as client:
        heads = {role: {"Authorization": f"Bearer {token}"} for role, token in tokens.items()}
        assert client.get("/api/audit", headers=heads[Role.researcher]).status_code == 403
        found = client.get("/api/audit?limit=2", headers=heads[Role.admin]).json()
        assert [entry["action"] for entry in found] == ["account_added", "token_made"]
        last = found[-1]["id"]
        rest = client.get(f"/api/audit?after={last}", headers=heads[Role.admin]).json()
        assert [entry["id"] for entry in rest] == [last + 1, last + 2]
