"""Functions and modules stay short; those that are long are counted and may only become fewer."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pathviewer", "models", "storage")
LONGEST_FUNCTION = 30
LONGEST_MODULE = 400
LONG_FUNCTIONS = 51
"""How many functions are longer; lower it when there are fewer."""
LONG_MODULES = 3
"""How many modules are longer; lower it when there are fewer."""


def modules() -> list[Path]:
    """Modules of the program, save migrations, which are written once."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in sorted(paths) if "versions" not in path.parts]


def long_functions(path: Path) -> list[str]:
    """Functions of a module that are longer than LONGEST_FUNCTION lines, decorators left out."""
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [
        f"{path.relative_to(ROOT)}: {node.name}"
        for node in functions
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]


def test_long_functions_become_fewer() -> None:
    found = [sentence for path in modules() for sentence in long_functions(path)]
    assert len(found) == LONG_FUNCTIONS, "\n".join(found)


def test_long_modules_become_fewer() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in modules()
        if path.name != "user_messages.py"  # a list of sentences, as long as there are sentences
        if (lines := len(path.read_text().splitlines())) > LONGEST_MODULE
    ]
    assert len(found) == LONG_MODULES, "\n".join(found)
