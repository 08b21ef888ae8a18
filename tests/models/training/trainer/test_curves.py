from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models.training.data.tiles import DataError
from models.training.trainer.curves import draw_curves, read_curves, run_names, write_curves
from models.training.trainer.run_folder import note_figures


def made_run(folder: Path, steps: int = 3, **figures: float) -> Path:
    folder.mkdir(parents=True)
    for step in range(1, steps + 1):
        note_figures(folder, step, {name: value / step for name, value in figures.items()})
    return folder


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    runs = [made_run(tmp_path / "one", loss=2.0, reward=1.0), made_run(tmp_path / "two", loss=1.0)]
    write_curves(runs, tmp_path / "pages" / "curves.html")
    page = (tmp_path / "pages" / "curves.html").read_text()
    assert len(page) > 1_000_000  # plotly's script is in it
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert '"one"' in page
    assert '"two"' in page


def test_a_chart_for_each_figure_and_a_line_for_each_run(tmp_path: Path) -> None:
    one = read_curves(made_run(tmp_path / "one", loss=2.0, kl=1.0, reward=1.0))
    two = read_curves(made_run(tmp_path / "two", loss=1.0, seconds=5.0))
    figure = draw_curves({"one": one, "two": two})
    assert [each.text for each in figure.layout.annotations] == ["loss", "reward", "kl", "seconds"]
    loss = [line for line in figure.data if line.xaxis == "x"]
    assert [(line.name, line.showlegend, list(line.y)) for line in loss] == [
        ("one", True, [2.0, 1.0, pytest.approx(2 / 3, abs=1e-6)]),
        ("two", True, [1.0, 0.5, pytest.approx(1 / 3, abs=1e-6)]),
    ]
    assert sum(line.showlegend for line in figure.data) == 2


def test_a_step_noted_again_counts_as_it_was_last(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", loss=1.0)
    note_figures(run, 2, {"loss": 9.0})
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    assert read_curves(run)["loss"] == {1: 1.0, 2: 9.0, 3: 0.333333}
    assert read_curves(run / "metrics.jsonl") == read_curves(run)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("", "holds no figures yet"),
        ("nonsense\n" + json.dumps({"step": 1, "loss": 1.0}), "line 1: no figures"),
        ('[1]\n{"step": 1, "loss": 1.0}', "line 1: no figures"),
        ('{"step": 1}', "holds no figures yet"),
    ],
)
def test_what_is_no_run_is_told(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(DataError, match=told):
        read_curves(tmp_path)


def test_runs_are_told_apart_by_as_little_as_does_it(tmp_path: Path) -> None:
    for name in ("a/run", "b/run", "c"):
        (tmp_path / name).mkdir(parents=True)
    assert run_names([tmp_path / "a/run", tmp_path / "c"]) == ["run", "c"]
    assert run_names([tmp_path / "a/run", tmp_path / "b/run"]) == ["a/run", "b/run"]
    with pytest.raises(DataError, match="named twice"):
        run_names([tmp_path / "c", tmp_path / "c"])
