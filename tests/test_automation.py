"""The hosted workflow and the hooks run commands that exist, at the versions of the test run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import run

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "tests.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
PROGRAMS = {"codespell", "mypy", "node", "python", "ruff"}
"""Programs that requirements-dev.txt brings into `.venv`, and hooks may run."""


def read(path: Path) -> dict[str, Any]:
    # BaseLoader leaves the key `on` a word, which YAML 1.1 takes for true
    loaded = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
    assert isinstance(loaded, dict)
    return loaded


def hooks() -> list[dict[str, Any]]:
    """Every hook, with the repository that it is from."""
    sources = read(HOOKS)["repos"]
    return [hook | {"repo": source["repo"]} for source in sources for hook in source["hooks"]]


@pytest.mark.parametrize("hook", hooks(), ids=lambda hook: str(hook["id"]))
def test_a_hook_runs_an_installed_program(hook: dict[str, Any]) -> None:
    assert (hook["repo"], hook["language"]) == ("local", "system"), "hosted hooks need a network"
    program, *words = shlex.split(hook["entry"])
    assert Path(program).parent == Path(".venv/bin")
    assert Path(program).name in PROGRAMS
    assert (ROOT / program).exists()
    for word in words:
        if word.startswith("tests/"):
            assert (ROOT / word).is_file(), word
        elif word.startswith("node_modules/"):
            package = re.sub(r"^node_modules/(@[^/]+/[^/]+|[^/]+)/.*", r"\1", word)
            assert package in node_packages(), package


def node_packages() -> set[str]:
    """Packages of the front end's tools."""
    path = ROOT / "package.json"
    return set(json.loads(path.read_text("utf-8"))["devDependencies"]) if path.exists() else set()


@pytest.mark.parametrize("program", ["ruff", "codespell", "mypy"])
def test_hooks_and_test_run_make_the_same_checks(program: str) -> None:
    assert f'BIN / "{program}"' in (ROOT / "tests" / "run.py").read_text(encoding="utf-8")
    assert f".venv/bin/{program}" in {hook["entry"].split()[0] for hook in hooks()}


def test_the_workflow_runs_the_one_command() -> None:
    workflow = read(WORKFLOW)
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert int(job["timeout-minutes"]) <= 90
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[-1] == "python3 tests/run.py --long"
    assert (ROOT / commands[-1].split()[1]).is_file()
    for step in job["steps"]:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/none@v0"))
        lock = step.get("with", {}).get("cache-dependency-path")
        assert lock is None or (ROOT / lock).is_file()


def test_the_workflow_begins_with_the_oldest_python() -> None:
    (job,) = read(WORKFLOW)["jobs"].values()
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert oldest
    assert job["strategy"]["matrix"]["python"][0] == oldest.group(1)


def test_the_workflow_installs_the_packages_of_the_test_run() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    (installed,) = re.findall(r"apt-get install (.+)$", text, re.MULTILINE)
    words = {word for word in installed.split() if not word.startswith("-")}
    assert words == set(run.PROGRAMS.values())
