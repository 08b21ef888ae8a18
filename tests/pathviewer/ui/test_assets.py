"""Installing the viewer's third-party JavaScript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pathviewer.ui
from pathviewer.ui.assets import AssetsError, are_assets_ready, ensure_assets

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing answers there."""


def test_installed_files_are_kept(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    before = {path: path.stat().st_mtime_ns for path in assets.rglob("*")}
    ensure_assets(assets)
    assert {path: path.stat().st_mtime_ns for path in assets.rglob("*")} == before
    assert (assets / "openseadragon" / "LICENSE.txt").is_file()


def test_a_folder_of_another_version_is_not_ready(tmp_path: Path) -> None:
    assert not are_assets_ready(tmp_path)
    (tmp_path / "version.txt").write_text("older\n")
    assert not are_assets_ready(tmp_path)


def test_no_registry_is_one_plain_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", NOWHERE)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    folder = tmp_path / "assets"
    with pytest.raises(AssetsError, match="could not be installed by npm") as caught:
        ensure_assets(folder)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_names_no_registry_and_pins_every_package() -> None:
    lock = Path(pathviewer.ui.__file__).with_name("package-lock.json")
    packages = json.loads(lock.read_text())["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert installed
    assert all("resolved" not in entry and entry["integrity"] for entry in installed.values())
