"""The `user` commands, run as a person runs them, against a site that is up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathviewer.auth.identity_cache import CACHE_SECONDS
from pathviewer.commands.user import app
from pathviewer.settings import Settings
from storage.accounts.store import find_account
from storage.database import open_database
from tests.pathviewer.auth.small_site import PASSWORD, Site, site


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose settings the commands read too."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path))
    with site(tmp_path) as running:
        yield running


def user(*arguments: str, typed: str = "") -> str:
    """What a command that succeeds prints on stdout."""
    result = CliRunner().invoke(app, list(arguments), input=typed)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str, typed: str = "") -> str:
    """The sentence of a command that fails."""
    result = CliRunner().invoke(app, list(arguments), input=typed)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    return result.stderr


def add_ada() -> None:
    user("add", "Ada", "--role", "clinician", "--password-stdin", typed=f"{PASSWORD}\n")


def test_an_account_made_here_logs_in_there(ward: Site) -> None:
    assert ward.who() == "local"
    add_ada()
    time.sleep(CACHE_SECONDS + 0.1)
    assert ward.who() == 401
    assert ward.log_in().status_code == 303
    assert ward.who() == "ada"
    assert ward.audit()[0].detail == {"by": "command line", "role": "clinician"}


def test_a_password_is_asked_for_twice(ward: Site) -> None:
    user("add", "ada", "--role", "viewer", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert ward.log_in().status_code == 303


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("ada", "short", "12 to 1024 characters"),
        ("ada", "", "this one has 0"),
        ("ada lovelace", PASSWORD, "cannot be an account's name"),
        ("-ada", PASSWORD, "cannot be an account's name"),
        ("ada\x00", PASSWORD, "cannot be an account's name"),
        ("Local", PASSWORD, "is reserved"),
        ("visitor", PASSWORD, "is reserved"),
        ("taken", PASSWORD, "an account named taken already"),
    ],
)
def test_a_bad_name_or_password_is_a_sentence(
    ward: Site, name: str, password: str, sentence: str
) -> None:
    ward.add("taken")
    arguments = ("add", "--role", "viewer", "--password-stdin", "--", name)
    assert sentence in refused(*arguments, typed=f"{password}\n")
    assert [row["name"] for row in json.loads(user("list", "--json"))["accounts"]] == ["taken"]


def test_the_list_shows_accounts_and_tokens_but_no_secret(ward: Site) -> None:
    assert "no accounts" in user("list")
    add_ada()
    token = user("token", "ada", "--label", "nightly", "--days", "7").strip()
    printed = user("list")
    (row,) = json.loads(user("list", "--json"))["accounts"]
    assert (row["name"], row["role"], row["login"]) == ("ada", "clinician", "password")
    assert row["tokens"][0]["label"] == "nightly"
    assert row["tokens"][0]["id"] in printed
    assert token not in printed
    assert "argon2" not in json.dumps(row)


def test_a_token_works_until_it_is_revoked(ward: Site) -> None:
    add_ada()
    token = user("token", "ada", "--label", "nightly").strip()
    assert ward.who(authorization=f"Bearer {token}") == "ada"
    (row,) = json.loads(user("list", "--json"))["accounts"]
    user("revoke", row["tokens"][0]["id"])
    ward.access.forget()
    assert ward.who(authorization=f"Bearer {token}") == 401
    assert "no valid token" in refused("revoke", row["tokens"][0]["id"])


def test_disabling_shuts_a_running_site_within_seconds(ward: Site) -> None:
    add_ada()
    token = user("token", "ada", "--label", "nightly").strip()
    ward.log_in()
    assert ward.who() == ward.who(authorization=f"Bearer {token}") == "ada"
    user("disable", "ada")
    time.sleep(CACHE_SECONDS + 0.1)
    assert ward.who() == ward.who(authorization=f"Bearer {token}") == 401
    assert ward.log_in().status_code == 401
    assert "disabled" in user("list")
    assert "disabled" in refused("token", "ada", "--label", "x")
    user("enable", "ada")
    assert ward.who() == 401
    assert ward.log_in().status_code == 303


def test_a_changed_password_ends_the_logins(ward: Site) -> None:
    add_ada()
    ward.log_in()
    user("password", "ada", "--password-stdin", typed="another four words\n")
    ward.access.forget()
    assert ward.who() == 401
    assert ward.log_in().status_code == 401
    assert ward.log_in(password="another four words").status_code == 303


def test_a_role_is_changed(ward: Site) -> None:
    add_ada()
    ward.log_in()
    user("role", "ada", "admin")
    ward.access.forget()
    assert ward.client.get("/who").json()["role"] == "admin"


@pytest.mark.parametrize("command", [("disable",), ("enable",), ("token", "--label", "x")])
@pytest.mark.parametrize("name", ["nobody", "local"])
def test_a_name_that_is_no_account_is_a_sentence(
    ward: Site, command: tuple[str, ...], name: str
) -> None:
    assert name in refused(*command, name)


def test_every_change_is_in_the_audit_log(ward: Site) -> None:
    add_ada()
    user("role", "ada", "viewer")
    user("disable", "ada")
    user("enable", "ada")
    actions = [(entry.action, entry.subject, entry.account_id) for entry in ward.audit()]
    assert actions == [
        (action, "ada", "local")
        for action in ("account_added", "role_changed", "account_disabled", "account_enabled")
    ]


def test_a_database_that_cannot_be_opened_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "file" / "below"))
    assert "PATHVIEWER_DATA" in refused("list")


def test_a_setting_that_is_wrong_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path))
    monkeypatch.setenv("PATHVIEWER_PORT", "many")
    assert "PATHVIEWER_PORT" in refused("list")


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    program = "from pathviewer.commands.user import app; app()"
    result = subprocess.run(
        [sys.executable, "-c", program, "add", "ada", "--role", "admin", "--password-stdin"],
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
        env={"PATHVIEWER_DATA": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
    )
    assert (result.returncode, result.stdout) == (0, "Created the account ada (admin).\n")
    database = open_database(Settings(data=tmp_path).database)
    with database.read_only() as session:
        account = find_account(session, "ada")
    assert account
    assert (account.password_hash or "").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    database.close()


def test_whoever_judges_no_more_may_do_the_rest(ward: Site) -> None:
    user(
        "add",
        "rosa",
        "--role",
        "clinician",
        "--no-rater",
        "--password-stdin",
        typed=f"{PASSWORD}\n",
    )
    add_ada()
    assert user("retire", "ada").startswith("ada no longer judges")
    assert [row["rater"] for row in json.loads(user("list", "--json"))["accounts"]] == [
        False,
        False,
    ]
    assert "rosa  clinician  password  no rater" in user("list")
    assert ward.audit()[-1].action == "rater_retired"
    assert "no account named eve" in refused("retire", "eve")
