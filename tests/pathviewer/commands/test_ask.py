from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from models.training.specimen.random_init import write_fresh_checkpoint
from pathviewer.commands.ask import ask_command
from tests import slide_files
from tests.corpus.tiff import Layout, page_of, write_pages

SCRIPT = """
[[answer]]
asked = "spot"
texts = ["<think>1. The left is empty.\\n2. On the right lies a spot.</think><answer>B</answer>"]
[[answer.look]]
words = "On the right lies a spot."
area = [0.75, 0.0, 0.25, 0.25]
share = 0.5

[[answer]]
asked = "colou?r"
texts = ["\\u001b[2Jno tags \\u202eat all"]
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "spot.toml").write_text(SCRIPT)
    return f"scripted:{tmp_path / 'spot.toml'}"


@pytest.fixture
def tile(tmp_path: Path) -> str:
    path = tmp_path / "tile.png"
    noise = np.random.default_rng(0).integers(0, 256, (768, 768, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return str(path)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(ask_command)
    return CliRunner().invoke(app, list(arguments))


def asked_json(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_trace_is_streamed_and_each_step_has_its_overlay(
    cmu: Path, script: str, tmp_path: Path
) -> None:
    target = tmp_path / "made" / "seen.png"
    region = ("--region", "300,400,800,600")
    result = run(str(cmu), "Is there a spot?", *region, "--model", script, "--overlay", str(target))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("<think>1. The left is empty.\n2. On the right lies a spot.")
    assert "\nAnswer: B\n" in result.stdout
    assert "Not for diagnosis." in result.stdout
    names = {"seen.png", "seen-step1.png", "seen-step2.png", "seen-answer.png"}
    assert {path.name for path in target.parent.iterdir()} == names
    for name in names:
        with Image.open(target.with_name(name)) as made:
            made.verify()
        assert name in result.stdout


def test_json_is_one_object_with_the_trace_and_where_it_looked(tile: str, script: str) -> None:
    options = ("--option", "none", "--option", "one")
    found = asked_json(tile, "Is there a spot?", "--model", script, *options, "--deletion")
    assert found["answer"] == "B"
    assert found["well_formed"]
    assert [step["text"][:2] for step in found["steps"]] == ["1.", "2."]
    assert found["region"] == [0, 0, 768, 768]
    assert "one" in found["prompt"]
    first, second, _, whole = found["maps"]
    assert (second["name"], whole["name"]) == ("step 2", "all")
    assert not first["localised"]
    assert second["localised"]
    columns, rows = found["grid"]
    weights = second["weights"]
    assert (len(weights), len(weights[0])) == (rows, columns)
    assert weights[0][-1] > 5 * weights[-1][0]
    assert found["deletion"]["verdict"] == "attended area mattered"
    method = {"fill": "blur", "version": 2, "controls": None, "current": True}
    assert found["deletion"]["method"] == method


def test_the_slide_stands_beside_the_answer(tmp_path: Path, script: str) -> None:
    levels = slide_files.pyramid(slide_files.tissue(900, 600), 4)
    words = f"{slide_files.aperio_description(900, 600)}"
    layout = Layout(description=words)
    pages = [page_of(pixels, layout, number) for number, pixels in enumerate(levels)]
    pages.append(page_of(slide_files.tissue(200, 120), Layout(), 2))
    write_pages(tmp_path / "a.svs", pages, layout)
    asked = (str(tmp_path / "a.svs"), "Is there a spot?", "--model", script)
    line = "a.svs, {}, 0.5 µm per pixel, an unnamed picture may be a label"
    told = run(*asked, "--stain", "PAS")
    assert f"\nSlide: {line.format('PAS')}\nAnswer: B\n" in told.stdout
    assert f"Slide: {line.format('stain unknown')}\n" in run(*asked).stdout
    assert asked_json(*asked, "--stain", "PAS")["slide_identity"] == {
        "alias": "a.svs",
        "name": "a.svs",
        "case": None,
        "stain": "PAS",
        "scale": "0.5 µm per pixel",
        "label": "unnamed",
    }


def test_a_hidden_label_is_said_and_a_plain_picture_has_none(
    cmu: Path, tile: str, script: str
) -> None:
    found = asked_json(str(cmu), "Is there a spot?", "--model", script)
    assert found["slide_identity"]["label"] == "hidden"
    identity = asked_json(tile, "Is there a spot?", "--model", script)["slide_identity"]
    assert (identity["label"], identity["scale"]) == ("none", "scale unknown")


def test_the_check_says_in_words_how_it_masked(tile: str, script: str) -> None:
    result = run(tile, "Is there a spot?", "--model", script, "--deletion")
    assert result.exit_code == 0, result.output
    assert " other tenths masked. " in result.stdout
    assert "\nMasked by blur (check version 2). " in result.stdout


def test_the_pixel_budget_sets_the_grid(tile: str, script: str) -> None:
    found = asked_json(tile, "A spot?", "--model", script, "--max-pixels", "65536")
    assert found["grid"] == [9, 9]
    assert found["pixels"] == [252, 252]


def test_text_from_a_model_cannot_steer_the_terminal(tile: str, script: str) -> None:
    result = run(tile, "Which colour?", "--model", script)
    assert "no tags" in result.stdout
    assert not {"\x1b", "\u202e"} & set(result.stdout)
    assert "Answer: none" in result.stdout
    assert "There is no <think> tag." in result.stdout


def test_what_fails_after_the_answer_does_not_take_it_away(tile: str, script: str) -> None:
    extra = ("--deletion", "--overlay", "/proc/none/of.png")
    result = run(tile, "Which colour?", "--model", script, *extra, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["deletion"] is None
    assert "needs an answer" in result.stderr
    assert "overlay cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--region", "0,0,0,5"), "at least 1 x 1"),
        (("--region", "760,0,50,50"), "leaves the slide"),
        (("--region", "0,0,768,2"), "too narrow"),
        (("--temperature", "9"), "sampling.temperature must be a number from 0 to 2, not 9.0."),
        (
            ("--max-new-tokens", "0"),
            "sampling.max_new_tokens must be a whole number from 1 to 4,096, not 0.",
        ),
        (("--seed", "-1"), "sampling.seed must be a whole number from 0"),
        (("--model", "nobody-knows-this"), "not a known model"),
        (("--model", "scripted:/none.toml"), "none.toml” cannot be read"),
    ],
)
def test_bad_input_gets_a_sentence(
    tile: str, script: str, arguments: tuple[str, ...], sentence: str
) -> None:
    result = run(tile, "A spot?", "--model", script, *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("region", ["1,2,3", "a,b,c,d", "1.5,0,3,3", ""])
def test_a_region_that_is_none_is_a_usage_error(tile: str, script: str, region: str) -> None:
    result = run(tile, "A spot?", "--model", script, "--region", region)
    assert result.exit_code == 2
    assert "--region" in result.stderr


@pytest.mark.parametrize("overlay", [".", "/", "..", ""])
def test_an_overlay_without_a_name_is_refused_before_anything_is_asked(
    tile: str, script: str, overlay: str
) -> None:
    result = run(tile, "A spot?", "--model", script, "--overlay", overlay)
    assert result.exit_code == 2
    assert "--overlay" in result.stderr
    assert not result.stdout


def test_an_empty_question_and_a_missing_file_get_a_sentence(tile: str, script: str) -> None:
    for arguments in ((tile, "  "), ("gone.svs", "A spot?"), ("gone.png", "A spot?")):
        result = run(*arguments, "--model", script)
        assert result.exit_code == 1
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.long
def test_a_checkpoint_of_random_weights_answers(tile: str, tmp_path: Path) -> None:
    folder = write_fresh_checkpoint(tmp_path / "mini", size="mini")
    overlay = tmp_path / "mini.png"
    pixels = ("--max-pixels", "12600", "--max-new-tokens", "8", "--overlay", str(overlay))
    found = asked_json(tile, "What is it?", "--model", str(folder), *pixels)
    assert found["finish"] == "length"
    assert found["tokens"] == 8
    assert found["grid"] == [4, 4]
    assert found["maps"][-1]["relative"]
    assert overlay.is_file()
