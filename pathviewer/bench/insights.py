"""`bench insights`: time of the database queries behind the insights page."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from storage.blinding.policy import Viewer
    from storage.database import Database

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
AIM_MS = 300


@dataclass(frozen=True)
class QueryTime:
    """Time of one query."""

    name: str
    """Its function in `storage.statistics.feedback_rows`, and its viewer."""
    ms: float
    """Wall time, ms."""
    cpu_ms: float
    """CPU time, ms: the time on an otherwise idle machine."""


def bench_insights(
    completions: Annotated[int, typer.Option(min=10, help="Synthetic answers.")] = 20_000,
    feedback: Annotated[int, typer.Option(min=10, help="Synthetic feedback entries.")] = 60_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Measure the insights page's queries over synthetic feedback in an SQLite file."""
    from sqlalchemy import select

    from pathviewer.bench.insights_data import Amount, fill_database
    from storage.blinding.policy import Viewer
    from storage.database import open_database
    from storage.tables import Feedback

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.sqlite3"
        database = open_database(f"sqlite:///{path}")
        with database.session() as session:
            fill_database(session, Amount(completions, feedback))
            rater = session.scalars(select(Feedback.rater_id).limit(1)).one()
        query_times = [
            *measure_queries(database, rounds, None),
            *measure_queries(database, rounds, Viewer(rater, rates=True, sees_all=True)),
        ]
        database.close()
        size = path.stat().st_size / 2**20
    about = {"completions": completions, "feedback": feedback, "database_mib": round(size, 1)}
    report(query_times, about, as_json)


def measure_queries(database: Database, rounds: int, viewer: Viewer | None) -> list[QueryTime]:
    """Return the median time of each query, including fetching its rows.

    `viewer` is a rater, with blinding applied, or None for all rows.
    """
    from storage.statistics import feedback_rows, repeat_rows
    from storage.statistics.records import Filters

    filters = Filters(viewer=viewer)
    queries: dict[str, Callable[[Any], Any]] = {
        name: partial(getattr(feedback_rows, name), filters=filters)
        for name in ("verdicts", "labels", "votes", "first_answers", "times", "judge_labels")
    }
    for name in ("repeats", "repeated_votes"):
        queries[name] = partial(getattr(repeat_rows, name), filters=filters)
    queries["choices"] = feedback_rows.list_filter_choices
    durations: dict[str, list[tuple[float, float]]] = {name: [] for name in queries}
    for _ in range(rounds):
        for name, query in queries.items():
            with database.read_filtered() as session:
                began = time.perf_counter(), time.process_time()
                query(session)
                ended = time.perf_counter(), time.process_time()
            durations[name].append((ended[0] - began[0], ended[1] - began[1]))
    suffix = " of a rater" if viewer else ""
    return [
        QueryTime(
            f"{name}{suffix}", *(round(1000 * median(each), 1) for each in zip(*times, strict=True))
        )
        for name, times in durations.items()
    ]


def report(query_times: Sequence[QueryTime], about: dict[str, float], as_json: bool) -> None:
    """Print the results as a table or one JSON object."""
    slowest = max(query_times, key=lambda each: each.ms)
    cpu = max(each.cpu_ms for each in query_times)
    if as_json:
        each_of = {f"{each.name}_ms".replace(" ", "_"): each.ms for each in query_times}
        each_of |= {f"{each.name}_cpu_ms".replace(" ", "_"): each.cpu_ms for each in query_times}
        totals = {"slowest_ms": slowest.ms, "slowest_cpu_ms": cpu}
        typer.echo(json.dumps(each_of | totals | about))
        return
    for each in query_times:
        typer.echo(f"{each.name:<26} {each.ms:>8,.1f} ms {each.cpu_ms:>8,.1f} ms of CPU")
    typer.echo(f"{'slowest':<26} {slowest.ms:>8,.1f} ms {cpu:>8,.1f} ms of CPU (aim {AIM_MS} ms)")
