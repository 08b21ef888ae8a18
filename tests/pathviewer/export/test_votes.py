"""The export of preferences is what was voted last, whatever was changed or undone before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathviewer.export.errors import ExportError
from pathviewer.export.formats import rater_name
from pathviewer.export.plan import FORMATS, ExportPlan
from pathviewer.export.run import export
from pathviewer.export.splits import Shares
from storage.statistics.feedback_rows import votes
from tests.pathviewer.export.made_labels import Labels, new_labels

RATERS = ("ada", "bob", "eve")
CHOICES = ("left", "right", "tie", "both_bad", "undone")
PAIRS = ((0, 1), (0, 2), (1, 2), (2, 3))
"""Of answers of two models, 0 and 1 of the one, 2 and 3 of the other."""


@dataclass(frozen=True)
class Cast:
    """One vote, or the undoing of one."""

    rater: str
    """Who votes."""
    pair: tuple[int, int]
    """On which answers."""
    turned: bool
    """Whether the second of them stands on the left."""
    choice: str
    """What is said."""


CASTS = st.lists(
    st.builds(
        Cast,
        st.sampled_from(RATERS),
        st.sampled_from(PAIRS),
        st.booleans(),
        st.sampled_from(CHOICES),
    ),
    max_size=25,
)


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(CASTS)
def test_the_export_of_preferences_is_what_was_voted_last(casts: list[Cast]) -> None:
    with TemporaryDirectory() as made:
        labels = new_labels(Path(made) / "state")
        answers = vote(labels, casts)
        last = {(each.rater, each.pair): each for each in casts}
        standing = [each for each in last.values() if each.choice != "undone"]
        voters = Counter(each.pair for each in standing)
        expected = Counter(
            (
                *(answers[place] for place in preferred(each)),
                rater_name(labels.people[each.rater]),
                voters[each.pair],
                # of all who chose the same
                not any(names_told(casts, one) for one in standing if agree(one, each)),
            )
            for each in standing
            if each.choice in ("left", "right")
        )
        assert exported(labels, Path(made) / "out") == expected
        with labels.database.read_only() as session:
            assert Counter(row.choice for row in votes(session)) == Counter(
                each.choice for each in standing
            )
        labels.database.close()


def agree(one: Cast, other: Cast) -> bool:
    """Whether both prefer the same answer of the same pair."""
    return one.choice in ("left", "right") and preferred(one) == preferred(other)


def names_told(casts: list[Cast], last: Cast) -> bool:
    """Whether the rater had voted before on a pair with one of the answers."""
    place = next(place for place, each in enumerate(casts) if each is last)
    return any(each.rater == last.rater and {*each.pair} & {*last.pair} for each in casts[:place])


def vote(labels: Labels, casts: list[Cast]) -> list[str]:
    """Cast them one after the other; ids of the answers."""
    with labels.database.session() as session:
        one = labels.reading(session, "s", 9, "first", "second", model="tiny")
        other = labels.reading(session, "s", 9, "third", "fourth", model="large")
        answers = [*one, *other]
        for each in casts:
            left, right = (answers[place] for place in sides(each))
            labels.prefer(session, each.rater, left, right, each.choice)
    return answers


def sides(cast: Cast) -> tuple[int, int]:
    """Which answers stand left and right."""
    first, second = cast.pair
    return (second, first) if cast.turned else (first, second)


def preferred(cast: Cast) -> tuple[int, int]:
    """The chosen and the rejected one."""
    left, right = sides(cast)
    return (left, right) if cast.choice == "left" else (right, left)


def exported(labels: Labels, out: Path) -> Counter[tuple[str, str, str, int, bool]]:
    """(chosen, rejected, rater, voters, blind) of every row; nothing where there is none."""
    plan = ExportPlan(FORMATS["preference"], shares=Shares(1, 0, 0))
    try:
        export(labels.database, labels.blobs, plan, out)
    except ExportError:
        return Counter()
    rows = [row for file in out.rglob("*.parquet") for row in pq.read_table(file).to_pylist()]
    return Counter(
        (row["chosen_id"], row["rejected_id"], *row["raters"], row["voters"], row["blind"])
        for row in rows
    )
