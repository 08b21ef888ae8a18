"""The locks hold every pin, with hashes; that of requirements.txt becomes a bill of materials."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.run import without_hashes

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-lock.txt"
FORMATS_LOCK = ROOT / "requirements-formats-lock.txt"
NPM_MANIFESTS = ["package.json", "pathviewer/ui/package.json"]
DEV_LOCK = ROOT / "requirements-dev-lock.txt"
DEVELOPMENT = ("requirements-dev.txt", "requirements-train.txt", "requirements-formats.txt")
HASH = re.compile(r"\s--hash=sha256:([0-9a-f]{64})\b")


def logical_lines(path: Path) -> list[str]:
    """Lines of a requirements file, continued lines joined, without comments."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def versions(path: Path) -> dict[str, str]:
    """Pinned version of each package of a requirements file."""
    pins: dict[str, str] = {}
    for line in logical_lines(path):
        if line.startswith("-r "):
            continue
        requirement = Requirement(HASH.sub("", line).strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        pins[canonicalize_name(requirement.name)] = pin.version
    return pins


def test_the_lock_has_every_pin() -> None:
    locked = versions(LOCK)
    pinned = versions(ROOT / "requirements.txt")
    assert {name: locked.get(name) for name in pinned} == pinned


def test_the_lock_of_further_formats_has_every_pin_and_no_other_version() -> None:
    locked, others = versions(FORMATS_LOCK), versions(LOCK)
    pinned = versions(ROOT / "requirements-formats.txt")
    assert {name: locked.get(name) for name in pinned} == pinned
    assert {name: locked[name] for name in locked.keys() & others} == {
        name: others[name] for name in locked.keys() & others
    }


def test_the_lock_of_development_has_every_pin_and_no_other_version() -> None:
    locked = versions(DEV_LOCK)
    pinned = {name: pin for path in DEVELOPMENT for name, pin in versions(ROOT / path).items()}
    for expected in (pinned, versions(LOCK), versions(FORMATS_LOCK)):
        assert {name: locked.get(name) for name in expected} == expected


def test_the_test_run_takes_every_version_from_the_lock() -> None:
    constraints = without_hashes(DEV_LOCK.read_text(encoding="utf-8"))
    pins = [Requirement(line) for line in constraints.splitlines()]
    assert {canonicalize_name(pin.name): str(pin.specifier) for pin in pins} == {
        name: f"=={version}" for name, version in versions(DEV_LOCK).items()
    }


def test_every_locked_package_has_hashes_and_no_other_option() -> None:
    for line in [line for lock in (LOCK, FORMATS_LOCK, DEV_LOCK) for line in logical_lines(lock)]:
        assert HASH.search(line), line
        assert "--" not in HASH.sub("", line), line


def test_the_lock_leaves_room_for_the_mcp_server_of_gradio() -> None:
    locked = versions(LOCK)
    extra = [Requirement(text) for text in requires("gradio") or [] if "extra == 'mcp'" in text]
    shared = [requirement for requirement in extra if requirement.name in locked]
    assert "pydantic" in {requirement.name for requirement in shared}
    for requirement in shared:
        assert requirement.specifier.contains(locked[requirement.name]), requirement


def test_the_lock_names_no_index() -> None:
    for lock in (LOCK, FORMATS_LOCK, DEV_LOCK):
        assert "://" not in lock.read_text(encoding="utf-8")


def test_the_lock_is_for_the_oldest_python_that_the_program_runs_on() -> None:
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest
    assert f"with Python {oldest.group(1)}\n" in LOCK.read_text(encoding="utf-8")


@pytest.mark.parametrize("manifest", NPM_MANIFESTS)
def test_an_npm_lock_has_every_pin_with_hashes_and_names_no_registry(manifest: str) -> None:
    path = ROOT / manifest
    wanted = json.loads(path.read_text(encoding="utf-8"))
    text = path.with_name("package-lock.json").read_text(encoding="utf-8")
    locked = json.loads(text)["packages"]
    pins = wanted.get("dependencies", {}) | wanted.get("devDependencies", {})
    assert {name: locked[f"node_modules/{name}"]["version"] for name in pins} == pins
    for name, package in locked.items():
        assert not name or package["integrity"].startswith("sha512-"), name
    assert '"resolved"' not in text


@pytest.mark.long
def test_the_documented_command_writes_a_bill_of_materials(tmp_path: Path) -> None:
    documented = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    \S*/(cyclonedx-py requirements .*)$", documented, re.MULTILINE)
    program, *words = shlex.split(command)
    output = tmp_path / words.pop()
    tool = Path(sys.executable).with_name(program)
    subprocess.run([tool, *words, output], cwd=ROOT, check=True, capture_output=True)
    bill = json.loads(output.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    listed = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}
    assert listed == versions(LOCK)
    for part in bill["components"]:
        assert part["externalReferences"][0]["hashes"], part["name"]
