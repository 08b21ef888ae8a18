"""The command line: help of every command, and the page of limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from pathviewer.commands.main import app
from tests.commands import called

WIDTH = "100"


def help_pages() -> dict[str, str]:
    """`--help` of every command and group, and what `limits` prints."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("COLUMNS", WIDTH), ("TERMINAL_WIDTH", WIDTH), ("NO_COLOR", "1")):
            patch.setenv(name, value)
        patch.delenv("PATHVIEWER_MODEL", raising=False)
        pages = [page(names) for names in names_of(typer.main.get_command(app))]
        limits = called(app, "limits").stdout
    return {"commands/help.txt": "\n".join(pages), "commands/limits.md": limits}


def names_of(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Words of every command, groups included."""
    yield before
    for name, command in sorted(getattr(group, "commands", {}).items()):
        yield from names_of(command, (*before, name))


def page(names: tuple[str, ...]) -> str:
    """One help page, without the spaces that fill lines up."""
    text = called(app, *names, "--help").stdout
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join([f"$ pathviewer {' '.join((*names, '--help'))}", *lines, ""])
