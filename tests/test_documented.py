"""Every setting and command is documented, and the README's commands are the ones CI runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pathviewer.commands.main import app
from pathviewer.settings import Settings
from tests.test_boundaries import LAYERS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = "\n".join(path.read_text() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")])


def variables() -> Iterator[str]:
    """The environment variable of every setting."""
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        yield alias if isinstance(alias, str) else f"PATHVIEWER_{name.upper()}"


def commands(group: Any, prefix: str = "") -> Iterator[str]:
    """Every command of the command line, with the groups before it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize("variable", sorted(variables()))
def test_setting_is_documented(variable: str) -> None:
    assert f"`{variable}`" in (ROOT / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_setting_has_a_docstring(field: str) -> None:
    assert Settings.model_fields[field].description


@pytest.mark.parametrize("command", sorted(commands(typer.main.get_command(app))))
def test_command_is_documented(command: str) -> None:
    in_the_table = f"`{command}`" in (ROOT / "README.md").read_text()
    assert in_the_table or f"python -m pathviewer {command}" in DOCUMENTS


def test_ci_runs_the_readme_test_command() -> None:
    command = "python3 tests/run.py"
    assert command in (ROOT / "README.md").read_text()
    assert command in (ROOT / ".ci" / "run").read_text()


def test_the_readme_says_how_to_run_the_long_tests() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert "Soak, kill loops and fuzz runs need `--long` (`python3 tests/run.py --long`)." in readme


def test_readme_pins_the_gradio_that_is_required() -> None:
    readme = (ROOT / "README.md").read_text()
    pinned = re.search(r"^gradio==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned
    assert f"sdk_version: {pinned.group(1)}" in readme


def test_every_path_in_the_readme_tree_exists() -> None:
    tree = (ROOT / "README.md").read_text().split("<!-- tree -->")[1]
    parents: list[str] = []
    for line in tree.splitlines():
        match = re.match(r"^( *)([\w./-]+)(?:\s{2,}|$)", line)
        if not match or line.startswith("```"):
            continue
        depth = len(match.group(1)) // 2
        parents[depth:] = [match.group(2)]
        assert ROOT.joinpath(*parents).exists(), "/".join(parents)


@pytest.mark.parametrize(
    "document", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda path: path.name
)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize(
    "document", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=lambda path: path.name
)
def test_every_requirements_file_that_is_named_exists(document: Path) -> None:
    for name in re.findall(r"requirements[\w-]*\.txt", document.read_text()):
        assert (ROOT / name).exists(), name


def test_every_package_is_in_the_readme_tree() -> None:
    tree = (ROOT / "README.md").read_text().split("<!-- tree -->")[1]
    parents: list[str] = []
    shown = set()
    for line in tree.splitlines():
        match = re.match(r"^( *)([\w.-]+)/(?:\s{2,}|$)", line)
        if match:
            parents[len(match.group(1)) // 2 :] = [match.group(2)]
            shown.add("/".join(parents))
    packages = {
        path.parent.relative_to(ROOT).as_posix()
        for top in ("pathviewer", "storage", "models")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert packages - shown <= {"storage/migrations", "storage/migrations/versions"}


def test_every_path_in_the_architecture_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    paths = re.findall(r"`([a-z]\w*(?:/\w+)+\.(?:py|js|toml|md))`", text)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_module_that_the_formats_name_exists() -> None:
    formats = ROOT / "pathviewer" / "slides" / "formats"
    words = [(ROOT / "docs" / "formats.md").read_text(), (formats / "base.py").read_text()]
    names = re.findall(r"`(?:\w+/)*(\w+\.py)`", "\n".join(words))
    assert "format_registry.py" in names
    missing = {name for name in names if not any((ROOT / "pathviewer").rglob(name))}
    assert missing == set()


def test_the_architecture_gives_the_layers_that_are_checked() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    shown = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    layers = [", ".join(layer) for layer in reversed(LAYERS[:-1])]
    assert shown == list(reversed(layers))
