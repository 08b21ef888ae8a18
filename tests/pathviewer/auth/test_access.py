"""Which settings may start, and which would open everything."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pathviewer.auth.access import Access
from pathviewer.auth.errors import AccessError
from pathviewer.commands.main import app
from pathviewer.settings import Settings
from tests.databases import new_database
from tests.pathviewer.auth.small_site import site


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"host": "0.0.0.0"}, "user add NAME"),
        ({"host": "10.0.0.7"}, "--public-demo"),
        ({"trusted_proxies": ("proxy",)}, "PATHVIEWER_TRUSTED_PROXIES"),
        ({"proxy_user_header": "X-User"}, "no proxy is trusted"),
        ({"cookie_samesite": "none", "secure_cookies": "never"}, "needs TLS"),
        ({"oidc_issuer": "http://login.example", "oidc_client_id": "x"}, "with https"),
        ({"oidc_issuer": "https://login.example"}, "PATHVIEWER_OIDC_CLIENT_ID"),
        ({"allowed_hosts": ("*",)}, "PATHVIEWER_ALLOWED_HOSTS"),
    ],
)
def test_settings_that_would_open_or_break_everything_stop_the_start(
    tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    settings = Settings(data=tmp_path, **given)
    database = new_database(settings.database)
    with pytest.raises(AccessError, match=sentence):
        Access(settings, database).check_exposure()
    database.close()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"host": "::1"},
        {"host": "0.0.0.0", "public_demo": True},
        {"host": "0.0.0.0", "oidc_issuer": "https://login.example", "oidc_client_id": "x"},
        {"host": "0.0.0.0", "proxy_user_header": "X-User", "trusted_proxies": ("10.0.0.7",)},
    ],
)
def test_settings_that_keep_strangers_out_start(tmp_path: Path, given: dict[str, Any]) -> None:
    with site(tmp_path, **given) as running:
        running.access.check_exposure()


def test_an_account_lets_any_address_start(tmp_path: Path) -> None:
    with site(tmp_path, host="0.0.0.0") as running:
        assert running.who() == 401  # never the local admin, even before there are accounts
        running.add()
        running.access.check_exposure()


def test_a_lost_database_does_not_open_what_had_accounts(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with site(tmp_path) as running:
        running.add()
        running.access.check_exposure()
    for file in tmp_path.glob("pathviewer.sqlite3*"):
        file.unlink()
    for given in ({}, {"host": "0.0.0.0"}):
        with (
            site(tmp_path, **given) as running,
            pytest.raises(AccessError, match=r"had accounts, .* user add NAME .* has-accounts"),
        ):
            running.access.check_exposure()
    with site(tmp_path, public_demo=True) as running:
        running.access.check_exposure()
    with site(tmp_path) as running:
        running.add()
        running.access.check_exposure()
    for file in (*tmp_path.glob("pathviewer.sqlite3*"), settings.data / "has-accounts"):
        file.unlink()
    with site(tmp_path) as running:
        running.access.check_exposure()


def test_accounts_made_from_the_command_line_or_meanwhile_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(tmp_path / "meanwhile") as running:
        assert running.who() == "local"
        running.add()
        until = time.monotonic() + 30
        while running.who() == "local" and time.monotonic() < until:
            time.sleep(0.1)
    assert (tmp_path / "meanwhile" / "has-accounts").exists()
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path / "state"))
    command = ["user", "add", "ada", "--role", "admin", "--password-stdin"]
    done = CliRunner().invoke(app, command, input="four words of rain\n")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "state" / "has-accounts").exists()
