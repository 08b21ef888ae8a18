"""The lock holds every pin of requirements.txt, with hashes, and becomes a bill of materials."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-lock.txt"
FORMATS_LOCK = ROOT / "requirements-formats-lock.txt"
HASH = re.compile(r"\s--hash=sha256:([0-9a-f]{64})\b")


def logical_lines(path: Path) -> list[str]:
    """Lines of a requirements file, continued lines joined, without comments."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def versions(path: Path) -> dict[str, str]:
    """Pinned version of each package of a requirements file."""
    pins: dict[str, str] = {}
    for line in logical_lines(path):
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


def test_every_locked_package_has_hashes_and_no_other_option() -> None:
    for line in [*logical_lines(LOCK), *logical_lines(FORMATS_LOCK)]:
        assert HASH.search(line), line
        assert "--" not in HASH.sub("", line), line


def test_the_lock_names_no_index() -> None:
    for lock in (LOCK, FORMATS_LOCK):
        assert "://" not in lock.read_text(encoding="utf-8")


def test_the_lock_is_for_the_oldest_python_that_the_program_runs_on() -> None:
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest
    assert f"with Python {oldest.group(1)}\n" in LOCK.read_text(encoding="utf-8")


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
