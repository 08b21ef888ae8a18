"""Every chart over made-up judgments and over none: numbers, Plotly's schema, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from models.reward import EVENTS
from pathviewer.bench.insights_data import Amount, fill_database
from pathviewer.insights.chart import Cell, Chart, escape_formula
from pathviewer.insights.charts import CHARTS
from pathviewer.insights.data_source import ChartData, load_chart_data, rater_name
from storage.statistics.feedback_rows import list_filter_choices
from storage.statistics.records import (
    FilterChoices,
    Filters,
    LabelRow,
    RepeatRow,
    VerdictRow,
    VoteRow,
)
from tests.databases import new_database

NOTHING = FilterChoices([], [], [], [], [])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartData]:
    """A few hundred judgments of every kind."""
    folder = tmp_path_factory.mktemp("charts")
    database = new_database(f"sqlite:///{folder}/x.sqlite3")
    with database.session() as session:
        fill_database(session, Amount(completions=120, feedback=600, slides=12, raters=4))
        found = load_chart_data(session, Filters(), list_filter_choices(session))
        again = [
            RepeatRow(row.case, row.completion, row.rater, row.verdict, row.verdict)
            for row in found.verdicts
        ]
        yield replace(
            found, repeats=again, repeated_votes=again
        )  # made-up judgments are of no worklist
    database.close()


def verdict(rater: str, completion: str, said: str, **given: Any) -> VerdictRow:
    row = VerdictRow("case", completion, rater, "2026-03-01", "m", "", "", "s1", said, None)
    return row._replace(**given)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_drawn_by_plotly_and_has_its_numbers(made: ChartData, name: str) -> None:
    chart = CHARTS[name](made)
    assert chart.name == name
    assert chart.rows
    assert {len(row) for row in chart.rows} == {len(chart.columns)}
    figure = go.Figure(chart.figure)  # raises for what Plotly does not know
    assert len(figure.data) > 0


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_of_nothing_says_so(name: str) -> None:
    chart = CHARTS[name](ChartData(NOTHING))
    assert (chart.figure, list(chart.rows)) == (None, [])
    assert chart.note.endswith(".")


def whole_numbers(cells: Sequence[Cell]) -> list[int]:
    """Cells of a chart that are all whole numbers."""
    numbers = [cell for cell in cells if isinstance(cell, int)]
    assert len(numbers) == len(cells)
    return numbers


def test_verdicts_are_counted_once_in_every_chart(made: ChartData) -> None:
    for name in CHARTS:
        if name.startswith("verdicts_"):
            counted = [whole_numbers(row[1:]) for row in CHARTS[name](made).rows]
            assert sum(row[0] for row in counted) == len(made.verdicts)
            assert all(row[0] == sum(row[1:]) for row in counted)


def test_long_times_are_shown_by_month() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 12)]
    source = ChartData(NOTHING, verdicts=[verdict("a", day, "correct", day=day) for day in days])
    chart = CHARTS["verdicts_over_time"](source)
    assert chart.columns[0] == "month"
    assert chart.rows[0][:3] == ("2026-01", 11, 11)


def test_a_few_verdicts_are_counted_in_whole_marks() -> None:
    def axis(count: int) -> dict[str, Any]:
        source = ChartData(
            NOTHING, verdicts=[verdict("a", str(n), "correct") for n in range(count)]
        )
        figure = CHARTS["verdicts_by_model"](source).figure
        assert figure is not None
        return dict(figure["layout"]["xaxis"])

    assert axis(2)["dtick"] == 1
    assert "dtick" not in axis(50)


def test_an_event_is_shown_with_the_share_of_traces_that_have_it() -> None:
    rows = [
        LabelRow("a", "1", "x", frozenset({"contradiction"})),
        LabelRow("b", "2", "x", frozenset()),
    ]
    chart = CHARTS["events"](ChartData(NOTHING, labels=rows))
    shares = {row[0]: row[3] for row in chart.rows}
    assert list(shares) == [event.replace("_", " ") for event in EVENTS]
    assert shares["contradiction"] == 0.5
    assert shares["wrong criterion"] == 0


def test_a_judge_is_held_against_every_clinician_who_labelled_the_trace() -> None:
    flagged = frozenset({"contradiction"})
    none: frozenset[str] = frozenset()
    clinicians = [
        LabelRow("a", "1", "x", flagged),
        LabelRow("a", "1", "y", none),
        LabelRow("b", "2", "x", none),
        LabelRow("b", "3", "x", none),  # the judge did not see it
    ]
    judge = [LabelRow("a", "1", "judge", flagged), LabelRow("b", "2", "judge", none)]
    chart = CHARTS["judge_agreement"](ChartData(NOTHING, labels=clinicians, judge_labels=judge))
    found = {row[1]: row[2:4] for row in chart.rows}
    traces, share = found["contradiction"]
    assert traces == 3
    assert share == pytest.approx(2 / 3)
    assert found["wrong criterion"] == (3, 1)


def test_raters_are_pseudonyms_in_every_cell(made: ChartData) -> None:
    shown = {cell for name in CHARTS for row in CHARTS[name](made).rows for cell in row}
    assert shown.isdisjoint(made.choices.raters)
    assert {rater_name(account) for account in made.choices.raters} <= shown


def test_checkpoints_of_one_name_are_told_apart() -> None:
    vote = VoteRow("c", "m", "aaaaaaaaaa", 5, "m", "bbbbbbbbbb", 6, "left")
    chart = CHARTS["wins"](ChartData(NOTHING, votes=[vote]))
    assert [row[0] for row in chart.rows] == ["m aaaaaaaa", "m bbbbbbbb"]


def test_a_ranking_by_votes_on_one_case_says_so() -> None:
    def note(cases: int) -> str:
        sides = [("a", "b"), ("b", "a")]
        votes = [
            VoteRow(f"c{n % cases}", left, "1", 5, right, "1", 6, "right" if n % 3 else "left")
            for n in range(24)
            for left, right in [sides[n // 4 % 2]]
        ]
        return CHARTS["ranking"](ChartData(NOTHING, votes=votes)).note

    assert "on one case" in note(1)
    assert note(4) == ""


def test_a_csv_holds_the_table_and_no_formula() -> None:
    rows = [("=1+1", 1, 0.123456789), ("plain, with a comma", None, -1.5)]
    text = Chart("x", "X", "", ("what", "count", "value"), rows, None).as_csv()
    assert list(csv.reader(io.StringIO(text))) == [
        ["what", "count", "value"],
        ["'=1+1", "1", "0.123456789"],
        ["plain, with a comma", "", "-1.5"],
    ]


@pytest.mark.parametrize(
    "cell",
    [
        *("=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\r\n=1", "\n", "\ttext", " =1"),
        *("\N{ZERO WIDTH SPACE}=1", "\N{BYTE ORDER MARK}@x", "\N{NO-BREAK SPACE}=1", "\x00=1"),
        *("\N{FULLWIDTH EQUALS SIGN}1", "\N{FULLWIDTH PLUS SIGN}1", "\N{SMALL EQUALS SIGN}1"),
        *("\N{FULLWIDTH HYPHEN-MINUS}1", "\N{FULLWIDTH COMMERCIAL AT}x", "\N{LINE SEPARATOR}x"),
    ],
)
def test_what_a_spreadsheet_may_take_for_a_formula_is_quoted(cell: str) -> None:
    assert escape_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", " ", "a=1", "1-2", "(=)", "腺癌", -1.5, 3, None])
def test_other_cells_stay(cell: str | float | None) -> None:
    assert escape_formula(cell) == cell


def test_charts_import_no_heavy_library() -> None:
    folder = Path(__file__).parents[3] / "pathviewer" / "insights"
    for path in folder.glob("*.py"):
        for line in path.read_text().splitlines():
            assert not line.startswith(("import statsmodels", "from statsmodels", "from scipy")), (
                path
            )
