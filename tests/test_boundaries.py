"""Who may import whom, kept by reading the imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pathviewer", "storage", "models")
HEAVY = {"torch", "transformers", "trl", "peft", "accelerate"}
LAYERS = (
    ("settings",),
    ("common",),
    ("attention", "auth", "slides"),
    ("evidence",),
    ("cases", "questions"),
    ("feedback",),
    ("export", "insights", "ui"),
    ("operations",),
    ("worklists",),
    ("comparisons",),
    ("api",),
    ("server",),
    ("bench",),
    ("fuzz",),
    ("commands",),
    ("__main__",),
)
"""Parts of `pathviewer` from the lowest; each imports from lower layers, never from its own."""


def modules() -> dict[str, Path]:
    """Every module of our packages by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path, *, at_run_time: bool = True) -> set[str]:
    """Dotted names that a module imports; those for type checking only when asked for."""
    tree = ast.parse(path.read_text())
    skipped: set[int] = set()
    if at_run_time:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                skipped |= {id(child) for child in ast.walk(node)}
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in MODULES else node.module for name in whole}
    return names


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("storage", ("pathviewer", "models")), ("models", ("pathviewer", "storage"))],
)
def test_leaves_import_nothing_of_ours(package: str, forbidden: tuple[str, ...]) -> None:
    for name, path in MODULES.items():
        if name.split(".")[0] == package:
            tops = {target.split(".")[0] for target in imports(path, at_run_time=False)}
            assert not tops & set(forbidden), name


def test_no_module_changes_the_umask() -> None:
    """It is the process's, and so every other thread's too; modes are given with each file."""
    for name, path in MODULES.items():
        assert "umask(" not in path.read_text(), name


def test_there_are_no_import_cycles() -> None:
    graph = {name: imports(path) & set(MODULES) for name, path in MODULES.items()}
    for name in graph:
        graph[name].discard(name)
    list(TopologicalSorter(graph).static_order())


def part_of(name: str) -> str | None:
    """The part of `pathviewer` that a module belongs to; `None` for modules of other packages."""
    parts = name.split(".")
    return parts[1] if parts[0] == "pathviewer" and len(parts) > 1 else None


def test_every_part_of_pathviewer_has_a_layer() -> None:
    known = [part for layer in LAYERS for part in layer]
    assert len(known) == len(set(known))
    assert set(known) == {part_of(name) for name in MODULES} - {None}


def test_pathviewer_imports_downwards_only() -> None:
    rank = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    for name, path in MODULES.items():
        part = part_of(name)
        for target in imports(path, at_run_time=False) & set(MODULES):
            below = part_of(target)
            if part is not None and below not in (None, part):
                assert rank[below] < rank[part], f"{name} imports {target}"


def test_the_server_process_needs_no_model_library() -> None:
    assert not HEAVY & sys.stdlib_module_names
    for name, path in MODULES.items():
        if name.split(".")[0] in {"pathviewer", "storage"}:
            tops = {target.split(".")[0] for target in imports(path, at_run_time=False)}
            assert not tops & HEAVY, name


def opens_writing_session(function: ast.AST) -> bool:
    """Whether a session that may write is opened in a function."""
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(isinstance(each, ast.Attribute) and each.attr == "session" for each in calls)


def reading_work(tree: ast.Module) -> Iterator[tuple[int, ast.AST]]:
    """Functions that a module calls in the lane of reads, with the line of the call."""
    functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    for outer in functions:
        near = {node.name: node for node in ast.walk(outer) if isinstance(node, FUNCTIONS)}
        known = {node.name: node for node in functions} | near
        for call in ast.walk(outer):
            if isinstance(call, ast.Call) and call.args and ast.unparse(call.func) == "READS.run":
                work = call.args[0]
                if isinstance(work, ast.Lambda) and isinstance(work.body, ast.Call):
                    work = work.body.func
                name = ast.unparse(work).removeprefix("self.")
                if name in known:
                    yield call.lineno, known[name]


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SHARED = {"run_in_threadpool", "to_thread", "run_sync"}
"""Functions that run work in threads of all accounts, first come, first served."""
OWN_THREADS = {
    "pathviewer.common.work_queue": "the lanes themselves",
    "pathviewer.auth.hash_queue": "a limiter of its own",
    "pathviewer.auth.identity_cache": "one lookup at a time for each login",
    "pathviewer.bench.kill_loop": "no server",
}
OURS = [name for name in MODULES if name.startswith("pathviewer.")]


@pytest.mark.parametrize("name", sorted(set(OURS) - set(OWN_THREADS)))
def test_no_work_runs_in_threads_that_accounts_do_not_share_fairly(name: str) -> None:
    """One account's requests would delay everybody's; in a lane, accounts take turns."""
    nodes = list(ast.walk(ast.parse(MODULES[name].read_text())))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not used & SHARED, f"{name}: use READS.run"


@pytest.mark.parametrize("name", OURS)
def test_no_write_takes_a_thread_from_those_who_read(name: str) -> None:
    """A locked database would keep all threads of reads waiting; `WRITES` has its own."""
    for line, work in reading_work(ast.parse(MODULES[name].read_text())):
        assert not opens_writing_session(work), f"{name} line {line}: use WRITES.run"


def test_a_write_among_the_reads_is_noticed() -> None:
    code = """
class Routes:
    async def show(self):
        return await READS.run(lambda: self._show(1), "ada")

    def _show(self, number):
        with self._database.session() as session:
            return session
"""
    assert any(opens_writing_session(work) for _, work in reading_work(ast.parse(code)))
