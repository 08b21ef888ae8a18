"""Move files by a table and rewrite what names them: `python tools/rename/move_files.py TABLE`.

A table has one move a line, `OLD NEW`, as paths from the root. Python files move as modules:
imports, dotted names in texts and the names that imports bind follow. Scripts of the page move
with their relative imports. Everything else that names a moved path is rewritten as text. `git mv`
keeps history.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
TEXT_TYPES = {
    *(".py", ".md", ".toml", ".html", ".js", ".ts", ".css", ".yml", ".yaml"),
    *(".txt", ".ini", ".json", ".jsonc", ".in"),
}
STATIC = "pathviewer/ui/static/"
BARE_NAMES = {"Dockerfile", ".dockerignore", ".gitignore"}
DOTTED = re.compile(r"(?<![\w./-])(?:pathviewer|storage|models|tests)(?:\.\w+)+")
PATH = re.compile(r"(?<![\w./-])\w[\w-]*(?:/[\w-]+)+\.[a-z]+\b")
PAGE_FILE = re.compile(r"""((?:["'/]|\*\*/|}}/)(?:ui/)?)(?<!static/)(\w+\.(?:js|css))(?=["'])""")
"""A script or style sheet as the page's templates and tests name it."""
UNTOUCHED = ("tools/rename/", "tests/golden/expected/", "CHANGELOG.md")


def main(table: Path) -> int:
    """Move all files of a table; prints what needs a look by hand."""
    moves = read_table(table)
    modules = {dotted(old): dotted(new) for old, new in moves.items() if old.endswith(".py")}
    for path in tracked():
        if path.suffix == ".py":
            rewrite_imports(path, modules)
    for path in tracked():
        rewrite_script_imports(path, moves)
        rewrite_texts(path, moves, modules)
    for old, new in moves.items():
        (ROOT / new).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "mv", old, new], cwd=ROOT, check=True)
    add_package_files(moves)
    return 0


def read_table(table: Path) -> dict[str, str]:
    """Old paths and their new ones; exits where a file is missing or a target is taken."""
    lines = [line.split() for line in table.read_text().splitlines() if not line.startswith("#")]
    moves = dict(filter(None, lines))
    missing = [old for old in moves if not (ROOT / old).exists()]
    taken = [new for new in moves.values() if (ROOT / new).exists() and new not in moves]
    if missing or taken or len(set(moves.values())) < len(moves):
        sys.exit(f"missing: {missing}; taken: {taken}; or two files for one target")
    return moves


def dotted(path: str) -> str:
    """A module's name from its path."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def tracked() -> list[Path]:
    """Text files of the repository, except tables of moves and frozen results."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    paths = [ROOT / name for name in names if not name.startswith(UNTOUCHED)]
    return [path for path in paths if path.suffix in TEXT_TYPES or path.name in BARE_NAMES]


def rewrite_imports(path: Path, modules: dict[str, str]) -> None:
    """Imports of moved modules, and the names which `from package import module` binds."""
    text = path.read_text()
    tree = ast.parse(text)
    edits: list[tuple[int, int, str]] = []
    starts = line_starts(text)
    renamed: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            statement = new_import(node, modules, renamed, tree, path)
            if statement is not None:
                edits.append((*span(node, starts, text), statement))
    edits += [
        (*span(node, starts, text), renamed[node.id])
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in renamed
    ]
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    path.write_text(text)


def line_starts(text: str) -> list[int]:
    """Offset of each line, in characters."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def span(node: ast.stmt | ast.expr, starts: list[int], text: str) -> tuple[int, int]:
    """Begin and end of a node in characters."""

    def offset(line: int, byte: int) -> int:
        content = text[starts[line - 1] : starts[line]].encode()
        return starts[line - 1] + len(content[:byte].decode())

    end_line, end_byte = node.end_lineno or node.lineno, node.end_col_offset or 0
    return offset(node.lineno, node.col_offset), offset(end_line, end_byte)


def new_import(
    node: ast.ImportFrom,
    modules: dict[str, str],
    renamed: dict[str, str],
    tree: ast.Module,
    path: Path,
) -> str | None:
    """The statements in place of an import; `None` if nothing of it moved."""
    package = node.module or ""
    by_module: dict[str, list[str]] = {}
    for alias in node.names:
        whole = f"{package}.{alias.name}"
        if whole in modules:
            parent, _, name = modules[whole].rpartition(".")
            known_as = alias.asname or local_name(alias.name, name, tree, path, renamed)
            part = name if known_as == name else f"{name} as {known_as}"
        else:
            parent = modules.get(package, package)
            part = alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
        by_module.setdefault(parent, []).append(part)
    if list(by_module) == [package] and all(
        f"{package}.{alias.name}" not in modules for alias in node.names
    ):
        return None
    indent = "\n" + " " * node.col_offset
    return indent.join(
        f"from {module} import {', '.join(parts)}" for module, parts in by_module.items()
    )


def local_name(old: str, new: str, tree: ast.Module, path: Path, renamed: dict[str, str]) -> str:
    """What a file calls an imported module from now on."""
    if old == new:
        return new
    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if old in bound or new in bound | used:
        sys.stderr.write(f"by hand: {path.relative_to(ROOT)} calls {new} {old}\n")
        return old
    renamed[old] = new
    return new


def rewrite_script_imports(path: Path, moves: dict[str, str]) -> None:
    """Relative imports between scripts of the page."""
    if path.suffix not in {".js", ".ts", ".css"}:
        return
    here = path.relative_to(ROOT).as_posix()
    there = PurePosixPath(moves.get(here, here)).parent

    def replaced(match: re.Match[str]) -> str:
        target = (path.parent / match[2]).resolve()
        if not target.is_relative_to(ROOT):
            return match[0]
        old = target.relative_to(ROOT).as_posix()
        new = PurePosixPath(moves.get(old, old))
        return f"{match[1]}{relative(new, there)}{match[3]}"

    text = path.read_text()
    path.write_text(re.sub(r"""(["'])(\.{1,2}/[\w./-]+\.(?:js|ts|css))(["'])""", replaced, text))


def relative(target: PurePosixPath, folder: PurePosixPath) -> str:
    """A script's address as seen from a folder, which begins with a dot."""
    path = target.relative_to(folder, walk_up=True) if sys.version_info >= (3, 12) else None
    if path is None:
        common = 0
        for one, other in zip(target.parts, folder.parts, strict=False):
            if one != other:
                break
            common += 1
        ups = [".."] * (len(folder.parts) - common)
        path = PurePosixPath(*ups, *target.parts[common:])
    text = path.as_posix()
    return text if text.startswith(".") else f"./{text}"


def rewrite_texts(path: Path, moves: dict[str, str], modules: dict[str, str]) -> None:
    """Dotted names and paths of what moved, wherever they stand in a text."""
    text = path.read_text()
    arrived = set(modules.values())
    packages = {name.rpartition(".")[0] for name in arrived}

    def dotted_name(match: re.Match[str]) -> str:
        statement = text[: match.start()].endswith("from ") and text[match.end() :].startswith(
            " import"
        )
        if path.suffix == ".py" and statement and match[0] in packages:
            return match[0]  # `rewrite_imports` has been here
        parts = match[0].split(".")
        for count in range(len(parts), 1, -1):
            prefix = ".".join(parts[:count])
            if prefix in arrived:
                return match[0]
            if prefix in modules:
                return ".".join([modules[prefix], *parts[count:]])
        return match[0]

    def page_file(match: re.Match[str]) -> str:
        old = STATIC + match[2]
        return match[1] + moves.get(old, old).removeprefix(STATIC)

    def path_name(match: re.Match[str]) -> str:
        return moves.get(match[0], match[0])

    changed = DOTTED.sub(dotted_name, text)
    changed = PATH.sub(path_name, changed)
    if path.suffix in {".py", ".html"}:
        changed = PAGE_FILE.sub(page_file, changed)
    if changed != text:
        path.write_text(changed)


def add_package_files(moves: dict[str, str]) -> None:
    """An empty `__init__.py` in each new package; packages that are empty now go."""
    for new in moves.values():
        folder = (ROOT / new).parent
        while new.endswith(".py") and not new.startswith("tests/") and folder != ROOT:
            init = folder / "__init__.py"
            if not init.exists():
                init.write_text("")
                subprocess.run(["git", "add", str(init)], cwd=ROOT, check=True)
            folder = folder.parent


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
