"""A name leads to an engine, or to one sentence."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from models.engines.local.engine import FIRST_QUESTION
from models.engines.open_engine import open_engine
from models.errors import CheckpointError, ModelError, UnknownModelError
from models.messages import CompletionEnd, GenerateRequest, GenerationStart, Prompt


def test_the_script_is_opened_by_its_name() -> None:
    with closing(open_engine("scripted")) as backend:
        status = backend.status()
    assert status.state == "ready"
    assert status.info is not None
    assert status.info.name == "scripted"
    assert status.info.budget.max_pixels == 200_704  # the registry's
    assert (status.info.licence, status.info.train_allowed) == ("Apache-2.0", False)


@pytest.mark.long
def test_what_a_folder_says_of_itself_goes_with_its_answers(
    mini_checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(mini_checkpoint, tmp_path / "mine")
    with (folder / "pathviewer.toml").open("w") as own:
        own.write('licence = "house"\ntrain_allowed = false\n')
    with closing(open_engine(str(folder), device="cpu")) as backend:
        events = list(backend.generate(FIRST_QUESTION))
    (info,) = (each.model for each in events if isinstance(each, GenerationStart))
    assert (info.licence, info.train_allowed) == ("house", False)


def test_a_script_of_ones_own_is_opened_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[answer]]\ntexts = ["mine"]')
    with closing(open_engine(f"scripted:{tmp_path / 'mine.toml'}")) as backend:
        *_, end = backend.generate(GenerateRequest("r", Prompt("?")))
        info = backend.status().info
    assert isinstance(end, CompletionEnd)
    assert end.completion.text == "mine"
    assert info is not None
    assert info.name == "scripted:mine"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("no such model", UnknownModelError),
        ("", UnknownModelError),
        ("scripted:/nowhere/none.toml", CheckpointError),
        ("scripted:~nosuchuser/none.toml", CheckpointError),
        ("scripted:none\0.toml", CheckpointError),
        ("Qwen/Qwen2.5-VL-72B-Instruct-not-here", CheckpointError),
    ],
)
def test_what_cannot_be_opened_is_said_at_once(name: str, kind: type[ModelError]) -> None:
    with pytest.raises(kind):
        open_engine(name)


def test_a_script_lies_in_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.toml").write_text('[[answer]]\ntexts = ["mine"]')
    with closing(open_engine("scripted:~/mine.toml")) as backend:
        assert backend.status().state == "ready"
