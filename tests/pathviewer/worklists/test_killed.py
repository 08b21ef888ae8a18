"""`worklist generate` is killed in the middle of an item: it goes on, and nothing is double."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storage.database import Database, open_database
from storage.tables import Completion, Question, WorklistItem

pytestmark = pytest.mark.long

ITEMS, SAMPLES = 4, 2
SCRIPT = """
seconds_per_token = {}
[[answer]]
texts = ["<think>Step 1: Small and regular nuclei in rows.</think><answer>A</answer>"]
"""
LONGEST = 90.0


def command(settings: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pathviewer", "worklist", *arguments],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def made(database: Database) -> int:
    with database.read_only() as session:
        there = select(func.count()).where(WorklistItem.question_id.is_not(None))
        return session.scalar(there) or 0


def readings(database: Database) -> dict[str, int]:
    """How many completions each reading has, whether or not an item is its."""
    with database.read_only() as session:
        rows = session.execute(
            select(Question.id, func.count(Completion.id))
            .outerjoin(Completion)
            .group_by(Question.id)
        )
        return {str(key): int(count) for key, count in rows}


def test_a_killed_run_goes_on_and_makes_nothing_twice(tmp_path: Path, small_phantom: Path) -> None:
    (tmp_path / "slides").mkdir()
    shutil.copyfile(small_phantom, tmp_path / "slides" / "a.tiff")
    settings = {
        "PATHVIEWER_DATA": str(tmp_path / "state"),
        "PATHVIEWER_SLIDES": str(tmp_path / "slides"),
    }
    items = tmp_path / "items.jsonl"
    row = {"slide": "a.tiff", "box": [0, 0, 90, 90], "question": "Q?", "options": ["a", "b"]}
    items.write_text("\n".join([json.dumps(row)] * ITEMS))
    script = tmp_path / "script.toml"
    script.write_text(SCRIPT.format(0.02))
    generate = ("generate", "items", "--model", f"scripted:{script}", "--samples", str(SAMPLES))
    assert command(settings, "import", str(items)).wait(LONGEST) == 0
    database = open_database(f"sqlite:///{next((tmp_path / 'state').glob('*.sqlite3'))}")
    first = command(settings, *generate)
    until = time.monotonic() + LONGEST
    while not made(database) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)  # well into the next item
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = made(database)
    assert 0 < before < ITEMS
    kept = readings(database)
    assert Counter(kept.values()) == {SAMPLES: before}  # whole items, and no half one
    script.write_text(SCRIPT.format(0))
    second = command(settings, *generate)
    told, bar = second.communicate(timeout=LONGEST)
    assert told == f"Generated the answers of {ITEMS - before} items.\n", bar
    after = readings(database)
    assert Counter(after.values()) == {SAMPLES: ITEMS}
    assert kept.items() <= after.items()  # what was frozen stays
    with database.read_only() as session:
        assert set(session.scalars(select(Question.state))) == {"done"}
        assert set(session.scalars(select(WorklistItem.question_id))) == set(after)
    database.close()
