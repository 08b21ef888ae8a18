"""What the server says to people stands in `user_messages.py`, one module a package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND_LINE = {"bench", "commands", "fuzz"}
"""Packages that only commands use: they print their own sentences."""
OFFLINE = {"bench", "evaluation", "judges", "migrations", "training"}
"""Folders of `models` and `storage` that only commands use."""
LEAST_WORDS = 4
"""Words from which a text counts as a sentence."""
FOR_PROGRAMMERS = {
    "AssertionError",
    "IndexError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "RuntimeError",
    "TypeError",
    "ValueError",
}
"""Errors that no person is shown."""


def server_modules() -> Iterator[Path]:
    """Modules of the packages whose errors reach people over HTTP."""
    for path in sorted((ROOT / "pathviewer").rglob("*.py")):
        package = path.relative_to(ROOT / "pathviewer").parts[0]
        if package not in COMMAND_LINE and path.name != "user_messages.py":
            yield path
    for leaf in ("models", "storage"):
        for path in sorted((ROOT / leaf).rglob("*.py")):
            if OFFLINE.isdisjoint(path.parts) and path.name != "user_messages.py":
                yield path


def raised_sentences(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every sentence that a `raise` writes itself."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
            continue
        if ast.unparse(node.exc.func) in FOR_PROGRAMMERS:
            continue
        for part in ast.walk(node.exc):
            text = part.value if isinstance(part, ast.Constant) else None
            if isinstance(text, str) and len(text.split()) >= LEAST_WORDS:
                yield node.lineno, text


def test_raised_sentences_stand_in_user_messages() -> None:
    assert list(raised_sentences('raise X("There is no such slide.")')) == [
        (1, "There is no such slide.")
    ]
    assert not list(raised_sentences("raise X(user_messages.NO_SLIDE)"))
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in server_modules()
        for line, text in raised_sentences(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)
