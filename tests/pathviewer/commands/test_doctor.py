"""`doctor` says in plain sentences what is wrong, and fails only for what stops the program."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from models.control_figures import FIGURES_FILE
from models.engines.local.checkpoint import revision
from models.registry import resolve_model
from pathviewer.commands.doctor import examine, stored_blobs
from pathviewer.commands.doctor_model import deletion_check
from pathviewer.settings import Settings
from storage.blobs import BlobStore, store_blob
from storage.database import open_database

ROOT = Path(__file__).resolve().parents[3]


def verdicts(settings: Settings) -> dict[str, tuple[str, str]]:
    """(verdict, sentence) by subject."""
    return {check.subject: (check.verdict, check.sentence) for check in examine(settings)}


def test_a_sound_machine_passes(state: Path, small_phantom: Path) -> None:
    checks = examine(Settings(data=state, slides=(small_phantom.parent,), port=0))
    assert not [check for check in checks if check.fatal]
    subjects = {check.subject for check in checks}
    assert subjects >= {"slide libraries", "front-end assets", "database", "model", "GPU"}
    assert all(check.sentence.endswith(".") for check in checks)


def test_a_state_folder_that_cannot_be_made_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = verdicts(Settings(data=tmp_path / "file" / "state", port=0))
    assert found["state folder"][0] == "problem"
    assert "PATHVIEWER_DATA" in found["state folder"][1]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 99])
def test_a_database_that_does_not_open_is_fatal(state: Path, content: bytes) -> None:
    (state / "pathviewer.sqlite3").write_bytes(content)
    assert verdicts(Settings(data=state, port=0))["database"][0] == "problem"


def test_every_kept_file_is_looked_at(state: Path) -> None:
    settings = Settings(data=state, port=0)
    store, database = BlobStore(settings.blobs), open_database(settings.database)
    with database.session() as session:
        whole, torn, lost = (
            store_blob(session, store, data, "pixels", "image/png") for data in (b"a", b"b", b"c")
        )
    database.close()
    assert [check.verdict for check in stored_blobs(settings)] == ["ok"]
    (settings.blobs / torn[:2] / torn).write_bytes(b"x")
    store.remove(lost)
    store.put(b"d")  # the program was killed before its row
    (settings.blobs / "incoming" / "half").write_bytes(b"x")
    problem, note = stored_blobs(settings)
    assert problem.fatal
    assert "Of 3 pictures and attention files 1 are missing and 1 damaged" in problem.sentence
    assert (note.verdict, note.sentence[:41]) == (
        "note",
        "1 files are unused and 1 are incomplete: ",
    )
    assert store.check(whole) == "ok"


def test_a_missing_slide_folder_and_a_busy_port_are_notes(state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = verdicts(Settings(data=state, slides=(state / "nowhere",), port=port))
    assert found["slides"][0] == "note"
    assert "nowhere" in found["slides"][1]
    assert found["address"][0] == "note"
    assert str(port) in found["address"][1]


@pytest.mark.long
def test_what_is_loaded_is_told(state: Path, mini_checkpoint: Path) -> None:
    verdict, sentence = verdicts(Settings(data=state, model=str(mini_checkpoint), port=0))["model"]
    told = revision(mini_checkpoint, [mini_checkpoint / "model.safetensors"])
    assert verdict == "ok"
    assert "Qwen2_5_VLForConditionalGeneration" in sentence
    assert f"revision {told[:12]}" in sentence
    assert "attention by sdpa" in sentence


@pytest.mark.parametrize(
    ("low", "verdict", "end"),
    [
        (0.45, "ok", "54 % (45 to 62) of comparisons. Both controls passed."),
        (0.51, "note", "The check failed its controls, so its verdicts say little."),
        (None, "note", f"`python -m pathviewer bench maps --json > {FIGURES_FILE}`."),  # damaged
    ],
)
def test_the_controls_of_the_deletion_check_are_told(
    tmp_path: Path, mini_checkpoint: Path, low: float | None, verdict: str, end: str
) -> None:
    folder = tmp_path / "mini"
    shutil.copytree(mini_checkpoint, folder)
    (check,) = deletion_check(resolve_model(str(folder)), "r")
    assert (check.verdict, check.fatal) == ("note", False)
    assert check.sentence.endswith("run `python -m pathviewer bench maps --model mini`.")
    controls = {"positive_control": 1, "positive_control_low": 0.72, "positive_control_high": 1}
    controls |= {"negative_control": 0.54, "negative_control_high": 0.62}
    controls |= {} if low is None else {"negative_control_low": low}
    table = {"revision": "r", "n": 30, "fills": {"blur": controls}}
    (folder / FIGURES_FILE).write_text(json.dumps(table))
    (check,) = deletion_check(resolve_model(str(folder)), "r")
    assert (check.subject, check.verdict) == ("deletion check", verdict)
    assert check.sentence.endswith(end)


@pytest.mark.long
def test_a_load_failure_is_told_once(state: Path, tmp_path: Path, mini_checkpoint: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(mini_checkpoint, cut)
    (cut / "model.safetensors").write_bytes(b"cut")
    for model, says in ((str(cut), "cut off or damaged"), ("gpt", "not a known model")):
        found = doctor(PATHVIEWER_DATA=str(state), PATHVIEWER_PORT="0", PATHVIEWER_MODEL=model)
        assert says in found.stdout
        assert says not in found.stderr


def doctor(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with some settings."""
    return subprocess.run(
        [sys.executable, "-m", "pathviewer", "doctor", "--json"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_the_command_exits_by_what_it_found(tmp_path: Path, state: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    sound = doctor(PATHVIEWER_DATA=str(state), PATHVIEWER_PORT="0")
    broken = doctor(PATHVIEWER_DATA=str(tmp_path / "file"), PATHVIEWER_PORT="0")
    assert (sound.returncode, broken.returncode) == (0, 1)
    assert {check["verdict"] for check in json.loads(sound.stdout)["checks"]} <= {"ok", "note"}
    assert "Traceback" not in sound.stderr + broken.stderr


def test_an_address_that_needs_accounts_is_fatal(state: Path) -> None:
    found = verdicts(Settings(data=state, host="0.0.0.0", port=0))
    assert found["access"][0] == "problem"
    assert "user add" in found["access"][1]
