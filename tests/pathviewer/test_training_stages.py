"""The commands of the stages: what they say when they cannot run, and that they run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import load_dataset
from PIL import Image

from models.training.specimen.random_init import write_fresh_checkpoint
from pathviewer.commands.train import app
from tests.commands import called
from tests.models.training.made_questions import made_questions

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "models" / "recipes" / "tiny"


@pytest.fixture(scope="module")
def run() -> Callable[..., tuple[int, str]]:
    def call(*arguments: str | Path) -> tuple[int, str]:
        done = called(app, *arguments)
        return done.code, done.stdout + done.stderr

    return call


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("vision", "01_vision.toml"),
        ("align", "02_align.toml"),
        ("sft", "03_sft.toml"),
        ("grpo", "rl/grpo_dual.toml"),
    ],
)
def test_what_cannot_run_is_told_in_a_sentence(
    run: Callable[..., tuple[int, str]], tmp_path: Path, stage: str, file: str
) -> None:
    config = RECIPE / file
    given = ["--start", tmp_path / "nothing", "--out", tmp_path / "run"]
    code, told = run(stage, "--config", tmp_path / "none.toml", *given)
    assert (code, "cannot be read: No such file" in told) == (1, True)
    code, told = run(stage, "--config", config, *given)
    assert (code, "no folder of that name is here" in told) == (1, True)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(config.read_text().replace("data = ", "date = "))
    code, told = run(stage, "--config", wrong, *given)
    assert (code, "date: Extra inputs are not permitted" in told) == (1, True)
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_sft_of_any_checkpoint_and_its_curves(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    start = write_fresh_checkpoint(tmp_path / "mini", size="mini")
    config = tmp_path / "sft.toml"
    config.write_text(
        f'trainer = "trl"\ndataset = "{made_questions(tmp_path / "set")}"\nbatch = 2\nsteps = 2\n'
        "learning_rate = 1e-3\nnote_every = 1\n"
    )
    given = ["sft", "--config", config, "--start", start, "--out", tmp_path / "run", "--seed", "3"]
    code, told = run(*given)
    assert (code, "checkpoint" in told) == (0, True)
    told_run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (told_run["stage"], told_run["config"]["seed"]) == ("sft", 3)
    code, told = run(*given)
    assert (code, "--resume continues it" in told) == (1, True)
    assert run(*given, "--resume")[0] == 0
    assert run("curves", tmp_path / "run", "--out", tmp_path / "curves.html")[0] == 0
    assert (tmp_path / "curves.html").stat().st_size > 1_000_000
    code, told = run("curves", tmp_path / "mini", "--out", tmp_path / "curves.html")
    assert (code, "cannot be read" in told) == (1, True)


def test_the_documented_lines_make_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (ROOT / "docs" / "post-training.md").read_text().split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "PathMMU" / "images").mkdir(parents=True)
    asked = []
    for number in range(24):
        name = f"{number // 2}.png"
        Image.new("RGB", (40, 40), (number, 0, 0)).save(tmp_path / "PathMMU" / "images" / name)
        asked.append({"No": number, "img": name, "question": f"What is {number}?"})
        asked[-1] |= {"options": ["A) tumour", "B) none"], "answer": "B) none"}
    (tmp_path / "PathMMU" / "data.json").write_text(json.dumps({"Atlas": {"val": asked}}))
    exec(compile(lines, "post-training.md", "exec"), {})  # noqa: S102 - our own document
    rows = load_dataset("data/questions", split="train", cache_dir=str(tmp_path / "cache"))
    tests = [
        json.loads(line) for line in Path("data/questions/test.jsonl").read_text().splitlines()
    ]
    assert len(rows) + len(tests) == 24
    assert rows[0]["options"] == ["tumour", "none"]
    assert {Path("data/questions", each["image"]).is_file() for each in tests} == {True}
    shown = {each["image"].split("/")[1] for each in tests}
    assert not shown & {path.name for path in Path("data/questions/train").iterdir()}
