"""Bradley-Terry strengths and biases against the published example, and odd votes."""

from __future__ import annotations

import pytest

from pathviewer.insights.ranking import Strength, strengths, vote_bias
from pathviewer.insights.values import Vote

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")

AT_HOME = (
    (None, "4-3", "4-2", "4-3", "6-1", "4-2", "6-0"),
    ("3-3", None, "4-2", "4-3", "6-0", "6-1", "4-3"),
    ("2-5", "4-3", None, "2-4", "4-3", "4-2", "6-0"),
    ("3-3", "5-1", "2-5", None, "4-3", "4-2", "6-1"),
    ("5-1", "2-5", "3-3", "4-2", None, "5-2", "6-0"),
    ("2-5", "3-3", "3-4", "4-3", "4-2", None, "2-4"),
    ("2-5", "1-5", "1-6", "2-4", "1-6", "3-4", None),
)
"""Home wins - away wins of the 1987 baseball season, home team by row (Agresti, Categorical Data
Analysis, 2nd edition, 2002, table 10.10; `baseball` in R's BradleyTerry2)."""

PUBLISHED = {
    "Boston": 1.1438,
    "Cleveland": 0.7047,
    "Detroit": 1.4754,
    "Milwaukee": 1.6196,
    "New York": 1.2813,
    "Toronto": 1.3271,
}
"""Strengths against Baltimore with the home advantage in the model: H. Turner and D. Firth,
Bradley-Terry Models in R: The BradleyTerry2 Package, J. Stat. Softw. 48(9), 2012, section 2."""

HOME_ADVANTAGE = 0.3023


def games() -> list[Vote]:
    """The season as votes, the home team on the left; every game a case."""
    votes = []
    for home, row in zip(TEAMS, AT_HOME, strict=True):
        for away, score in zip(TEAMS, row, strict=True):
            if score:
                for choice, count in zip(
                    ("left", "right"), map(int, score.split("-")), strict=True
                ):
                    votes += [(home, away, choice)] * count
    return [Vote(str(n), *vote, left_length=9, right_length=9) for n, vote in enumerate(votes)]


def vote(left: str, right: str, choice: str, case: str = "c", **given: int) -> Vote:
    return Vote(case, left, right, choice, **({"left_length": 10, "right_length": 10} | given))


def values(found: list[Strength]) -> dict[str, float | None]:
    return {each.model: each.strength.value for each in found}


def test_strengths_are_those_of_the_1987_season() -> None:
    found = strengths(games())
    assert [each.model for each in found][:2] == ["Milwaukee", "Detroit"]
    value = {each.model: each.strength.value or 0 for each in found}
    assert sum(value.values()) == pytest.approx(0, abs=1e-9)
    for team, wanted in PUBLISHED.items():
        assert value[team] - value["Baltimore"] == pytest.approx(wanted, abs=1e-4)
    assert vote_bias(games()).left_log_odds.value == pytest.approx(HOME_ADVANTAGE, abs=1e-4)


def test_the_interval_of_the_home_advantage_is_near_the_published_error() -> None:
    # section 2 prints a standard error of 0.1309; clusters of one game are its robust twin
    found = vote_bias(games()).left_log_odds
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.1309, rel=0.05)


def test_ties_and_both_bad_are_half_a_win_each() -> None:
    votes = [
        vote(*pair, choice, case=str(case))
        for case, (pair, choice) in enumerate(
            [(("a", "b"), "tie"), (("b", "a"), "both_bad"), (("a", "b"), "tie")] * 4
        )
    ]
    found = strengths(votes)
    assert [(each.votes, each.wins) for each in found] == [(12, 6), (12, 6)]
    assert values(found) == {"a": pytest.approx(0, abs=1e-9), "b": pytest.approx(0, abs=1e-9)}


@pytest.mark.parametrize(
    "votes",
    [
        [],
        [("a", "a", "left")],  # two samples of one model
        [("a", "b", "left")] * 5 + [("b", "a", "right")] * 5,  # b never won
        [("a", "b", "left"), ("b", "a", "left")] * 3 + [("c", "d", "tie")] * 3,  # they never met
    ],
)
def test_there_is_no_strength_where_nothing_bounds_it(votes: list[tuple[str, str, str]]) -> None:
    found = strengths([vote(*each, case=str(n)) for n, each in enumerate(votes)])
    assert all(each.strength.value is None for each in found)


def test_a_side_that_always_wins_has_a_share_and_no_log_odds() -> None:
    found = vote_bias([vote("a", "b", "left", case=str(n)) for n in range(20)])
    assert (found.left_share.value, found.left_share.low) == (1, 1)
    assert found.left_log_odds.value is None


def test_the_longer_answer_is_told_from_the_stronger_model() -> None:
    # of two samples of one model the longer one wins three times of four, whichever side it has
    votes = [
        vote(
            "a",
            "a",
            "left" if long_left == (n // 2 % 4 > 0) else "right",
            case=str(n),
            left_length=200 if long_left else 100,
            right_length=100 if long_left else 200,
        )
        for n in range(80)
        for long_left in (n % 2 == 0,)
    ]
    found = vote_bias(votes)
    assert found.longer_share.value == pytest.approx(0.75)
    assert found.length_log_odds.value == pytest.approx(1.0986, abs=0.01)  # log(3)
    assert found.left_share.value == pytest.approx(0.5)
