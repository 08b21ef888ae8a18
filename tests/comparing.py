"""A worklist with pairs of two scripts' answers, made as a user makes it: by commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathviewer.commands.main import app
from pathviewer.settings import Settings
from tests.commands import called

SCRIPT = """
seconds_per_token = 0.0
[[answer]]
texts = ["<think>Step 1: Dense nuclei of {name}.</think><answer>A</answer>",
  "<think>Step 1: Few nuclei of {name}.</think><answer>B</answer>"]
"""
QUESTION = {"question": "How cellular is it?", "options": ["low", "high"]}
PAIRS = 6


def run(*arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == 0, (done.stdout, done.stderr, done.exception)
    return done.stdout


def list_with_pairs(settings: Settings, slide: str, *, items: int = 4) -> None:
    """The list “pairs”: six pairs between two models, of two answers each to every item."""
    folder = Path(settings.data).parent
    rows = [QUESTION | {"slide": slide, "box": [300 * n, 0, 280, 280]} for n in range(items)]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATHVIEWER_DATA", str(settings.data))
        patch.setenv("PATHVIEWER_SLIDES", str(settings.slides[0]))
        run("worklist", "import", str(folder / "pairs.jsonl"), "--no-blind")
        for name in ("first", "second"):
            script = folder / f"{name}.toml"
            script.write_text(SCRIPT.replace("{name}", name))
            generate = [
                "worklist",
                "generate",
                "pairs",
                "--model",
                f"scripted:{script}",
                "--beside",
            ]
            assert run(*generate, "--samples", "2") == f"Generated the answers of {items} items.\n"
            # broken off and begun again, it makes none twice
            assert run(*generate) == "Generated the answers of 0 items.\n"
        told = run("worklist", "pairs", "pairs", "--plan", "between-models", "--count", f"{PAIRS}")
        every = f"{items * 4} pairs of pairs by the plan between-models, seed 0."
        assert told == f"Drew {PAIRS} of {every}\n"
        assert run("worklist", "list").endswith(f"{PAIRS} pairs\n")
        assert "pairs already has its pairs, which are drawn once" in called(app, *generate).told
