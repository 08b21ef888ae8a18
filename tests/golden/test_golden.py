"""What the product answers, exports and stores is what it was when the golden files were frozen.

`PATHVIEWER_GOLDEN=write pytest tests/golden` writes the files anew; CONTRIBUTING says when.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.golden.scenario import record

EXPECTED = Path(__file__).parent / "expected"
MOST_BYTES = 1_500_000
SHOWN_LINES = 60
"""Lines of the difference of one file that a failure shows."""
MODULE = re.compile(r"\b(?:pathviewer|storage|models|tests)\.(?!sqlite3|toml)[a-z_]+")


@pytest.fixture(scope="module")
def recording(
    tmp_path_factory: pytest.TempPathFactory, cmu: Path
) -> tuple[dict[str, str], list[str]]:
    """The files of this run, and what is wrong with it; they replace the golden ones if told."""
    files, gaps = record(tmp_path_factory.mktemp("golden"), cmu)
    if os.environ.get("PATHVIEWER_GOLDEN") == "write":
        shutil.rmtree(EXPECTED, ignore_errors=True)
        for name, text in files.items():
            path = EXPECTED / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return files, gaps


Recording = tuple[dict[str, str], list[str]]


def test_every_route_gave_an_answer_and_a_refusal(recording: Recording) -> None:
    assert sorted(recording[1]) == []


def test_nothing_differs_from_the_golden_files(recording: Recording) -> None:
    files = recording[0]
    golden = {
        path.relative_to(EXPECTED).as_posix(): path.read_text(encoding="utf-8")
        for path in EXPECTED.rglob("*")
        if path.is_file()
    }
    names = sorted(golden.keys() | files.keys())
    differences = [difference(name, golden.get(name, ""), files.get(name, "")) for name in names]
    report = "\n".join(filter(None, differences))
    if report:
        pytest.fail(f"Golden files differ; CONTRIBUTING says what to do.\n{report}", pytrace=False)


def difference(name: str, golden: str, text: str) -> str:
    """A unified difference, shortened; empty where there is none."""
    lines = list(
        difflib.unified_diff(
            golden.splitlines(),
            text.splitlines(),
            f"golden/{name}",
            f"now/{name}",
            lineterm="",
            n=4,
        )
    )
    rest = len(lines) - SHOWN_LINES
    more = [f"... and {rest} more lines"] if rest > 0 else []
    return "\n".join([*lines[:SHOWN_LINES], *more])


def test_golden_files_are_small_and_name_no_module(recording: Recording) -> None:
    files = recording[0]
    assert sum(len(text.encode()) for text in files.values()) < MOST_BYTES
    modules = {name: MODULE.findall(text) for name, text in files.items() if MODULE.search(text)}
    assert modules == {}
