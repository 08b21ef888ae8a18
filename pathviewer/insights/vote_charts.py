"""Charts of comparisons: preferred models, and the effects of side and length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pathviewer.feedback.vocabulary import CHOICES, spoken
from pathviewer.insights import user_messages
from pathviewer.insights.chart import Cell, Chart, empty_chart, with_interval
from pathviewer.insights.data_source import ChartData
from pathviewer.insights.plotly_charts import COLOURS, dots, stacked_bars
from pathviewer.insights.ranking import strengths, vote_bias
from pathviewer.insights.values import Estimate, Vote
from storage.feedback.vocabulary import NEUTRAL_CHOICES
from storage.statistics.records import VoteRow

REVISION_LENGTH = 8


def ranking(data: ChartData) -> Chart:
    """Return the strengths of models."""
    votes = _votes(data)
    model_strengths = strengths(votes)
    ranked = [each for each in model_strengths if each.strength.value is not None]
    rows: list[tuple[Cell, ...]] = [
        (each.model, each.votes, each.wins, *with_interval(each.strength))
        for each in model_strengths
    ]
    figure = dots(
        [each.model for each in ranked],
        {"strength": [each.strength for each in ranked]},
        "log-odds against the average model",
        line=0,
    )
    chart = Chart(
        "ranking",
        "Models against each other",
        "Bradley-Terry strengths from votes between answers of two models, adjusted for the "
        "side; ties and “both bad” are half a win each. Two models whose strengths differ by 1 "
        "win 73 to 27.",
        ("model", "votes", "wins", "strength", "low", "high"),
        rows,
        figure if ranked else None,
        _caution(votes) if ranked else user_messages.NO_STRENGTHS,
    )
    return chart if model_strengths else empty_chart(chart, user_messages.NO_VOTES_BETWEEN_MODELS)


def _caution(votes: Sequence[Vote]) -> str:
    """Return a caveat on the intervals."""
    return user_messages.VOTES_ON_ONE_CASE if len({vote.case for vote in votes}) == 1 else ""


def vote_choices(data: ChartData) -> Chart:
    """Return the choices, and the effects of side and length."""
    votes = _votes(data)
    counts = Counter(vote.choice for vote in votes)
    bias = vote_bias(votes)
    measures = {
        "left answer won (share)": bias.left_share,
        "left answer, log-odds beside strengths": bias.left_log_odds,
        "longer answer won (share)": bias.longer_share,
        "twice the length, log-odds beside strengths and side": bias.length_log_odds,
    }
    rows: list[tuple[Cell, ...]] = [
        (f"chose {spoken(choice)}", counts[choice], None, None) for choice in CHOICES
    ]
    open_count = sum(not row.blind for row in data.votes)
    rows.append(("of these with names possibly known", open_count, None, None))
    rows += [(name, *with_interval(each)) for name, each in measures.items()]
    chart = Chart(
        "votes",
        "Votes, their side and their length",
        "Number of each choice; whether the left or the longer answer wins more than half "
        "(ties half). Shares without bias are 0.5, log-odds 0. Raters may know the names if they "
        "judged one of the answers by itself before, or voted on a pair with it. For a repeated "
        "pair, feedback up to its first assignment counts as forgotten.",
        ("what", "value", "low", "high"),
        rows,
        _bias_figure(bias.left_share, bias.longer_share),
    )
    return chart if votes else empty_chart(chart, user_messages.NO_COMPARISONS)


def wins(data: ChartData) -> Chart:
    """Return each model's wins and losses."""
    votes = [vote for vote in _votes(data) if vote.left_model != vote.right_model]
    models = sorted({name for vote in votes for name in (vote.left_model, vote.right_model)})
    counts = {model: _record(votes, model) for model in models}
    words = ("won", *map(spoken, NEUTRAL_CHOICES), "lost")
    parts = {word: [counts[model][word] for model in models] for word in words}
    colours = dict(zip(words, (COLOURS[2], "#8ea0b3", "#667787", "#e0796b"), strict=True))
    chart = Chart(
        "wins",
        "Wins and losses",
        "Votes between answers of two models, from each model's side.",
        ("model", *words),
        [(model, *(counts[model][word] for word in words)) for model in models],
        stacked_bars(models, parts, colours, lying=True, unit="votes"),
    )
    return chart if votes else empty_chart(chart, user_messages.NO_COMPARISONS)


def _bias_figure(left: Estimate, longer: Estimate) -> dict[str, object]:
    figure = dots(
        ["left answer", "longer answer"], {"share won": [left, longer]}, "share won", line=0.5
    )
    figure["layout"]["xaxis"]["range"] = [0, 1]
    return figure


def _record(votes: Sequence[Vote], model: str) -> Counter[str]:
    sides = [("left", vote) for vote in votes if vote.left_model == model]
    sides += [("right", vote) for vote in votes if vote.right_model == model]
    return Counter(_outcome(vote.choice, side) for side, vote in sides)


def _outcome(choice: str, side: str) -> str:
    if choice in NEUTRAL_CHOICES:
        return spoken(choice)
    return "won" if choice == side else "lost"


def _votes(data: ChartData) -> list[Vote]:
    """Return votes; models with several revisions are distinguished by revision."""
    revisions: dict[str, set[str | None]] = {}
    for row in data.votes:
        revisions.setdefault(row.left_model, set()).add(row.left_revision)
        revisions.setdefault(row.right_model, set()).add(row.right_revision)
    several = {model for model, known in revisions.items() if len(known) > 1}
    return [_vote(row, several) for row in data.votes]


def _vote(row: VoteRow, several: set[str]) -> Vote:
    return Vote(
        row.case,
        _model_name(row.left_model, row.left_revision, several),
        _model_name(row.right_model, row.right_revision, several),
        row.choice,
        row.left_length,
        row.right_length,
    )


def _model_name(model: str, revision: str | None, several: set[str]) -> str:
    if model not in several:
        return model
    return f"{model} {(revision or 'no revision')[:REVISION_LENGTH]}"
