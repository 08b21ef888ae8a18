"""Settings come from the environment once, and a bad one is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from pathviewer.settings import Settings
from tests.long_cases import long_cases

ROOT = Path(__file__).resolve().parents[2]


def test_folders_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHVIEWER_SLIDES", os.pathsep.join(["/one", "", "~/two"]))
    assert Settings().slides == (Path("/one"), Path("~/two").expanduser())


def test_names_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATHVIEWER_ALLOWED_HOSTS", "a.example, b.example,")
    assert Settings().allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("given", "meant"), [("", ""), ("/", ""), ("viewer", "/viewer"), ("/a/b/", "/a/b")]
)
def test_the_sub_path_is_put_into_one_form(given: str, meant: str) -> None:
    assert Settings(root_path=given).root_path == meant


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_secrets_are_not_shown() -> None:
    settings = Settings(oidc_client_secret="hidden-word")  # type: ignore[arg-type]
    assert "hidden-word" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "many"),
        *long_cases(("PORT", "70000"), ("UPLOAD_LIMIT_MIB", "0"), ("COOKIE_SAMESITE", "maybe")),
    ],
)
@pytest.mark.parametrize("command", [["-m", "pathviewer", "doctor"], ["app.py"]])
def test_a_bad_value_is_named_without_a_traceback(
    variable: str, value: str, command: list[str]
) -> None:
    name = f"PATHVIEWER_{variable}"
    run = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert name in run.stderr
    assert value in run.stderr
    assert "Traceback" not in run.stderr


def test_a_space_is_a_public_demo_on_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_HOST", "group-viewer.hf.space")
    settings = Settings()
    assert (settings.host, settings.public_demo) == ("0.0.0.0", True)
    assert settings.space_host == "group-viewer.hf.space"
    monkeypatch.delenv("SPACE_HOST")
    monkeypatch.setenv("SPACE_ID", "group/viewer")
    assert Settings().public_demo
    monkeypatch.setenv("PATHVIEWER_PUBLIC_DEMO", "0")
    assert not Settings().public_demo
