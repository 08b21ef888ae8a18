"""How judgments become rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.export.consensus import Opinion, Rule, decide, in_conflict, parse_rule
from pathviewer.export.errors import ExportError


def votes(*said: str) -> list[Opinion]:
    """A vote per letter: `L` and `R` are sides, anything else makes no row."""
    return [
        Opinion(f"rater {number}", one, one if one in "LR" else None, one if one in "LR" else None)
        for number, one in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "rule", "won", "reason"),
    [
        ("LR", "each", "LR", "each rater's is a row"),
        ("L=", "each", "L", "a tie makes none"),
        ("LLR", "majority", "L", "two of three"),
        ("LR", "majority", "", "no more than half"),
        ("L==", "majority", "", "most see a tie"),
        ("LL==", "majority", "", "half is not more than half"),
        ("LL=?", "majority", "", "what makes no row counts among those who judged"),
        ("L", "majority", "L", "one of one"),
        ("LL=?", "2", "L", "two agree, and on nothing else do two"),
        ("LL==", "2", "", "as many see a tie"),
        ("LLRR", "2", "", "as many say the other"),
        ("LLLRR", "2", "L", "more say this"),
        ("L", "2", "", "too few"),
    ],
)
def test_the_rule_decides(said: str, rule: str, won: str, reason: str) -> None:
    found = decide(votes(*said), parse_rule(rule))
    assert "".join(str(each.value) for each in found) == won, reason


@pytest.mark.parametrize(
    ("said", "expected"), [("LR", True), ("LL", False), ("L=", False), ("==", False), ("", False)]
)
def test_sides_that_differ_are_a_conflict(said: str, expected: bool) -> None:
    assert in_conflict(votes(*said)) is expected


@pytest.mark.parametrize("text", ["", "0", "-1", "most", "1.5", "²", "each "])
def test_what_is_no_rule_is_told(text: str) -> None:
    with pytest.raises(ExportError, match="is no rule"):
        parse_rule(text)


@given(st.text("LR=?", min_size=1, max_size=7), st.integers(1, 5))
def test_whatever_wins_was_said_by_enough(said: str, least: int) -> None:
    cast = votes(*said)
    for rule in (Rule("majority"), Rule("at-least", least)):
        for won in decide(cast, rule):
            count = said.count(str(won.value))
            assert len(won.raters) == count
            assert all(count > said.count(other) for other in set(said) - {won.value})
            assert 2 * count > len(said) if rule.name == "majority" else count >= least


@given(st.lists(st.sampled_from("LR=?"), min_size=1, max_size=7), st.randoms())
def test_the_order_of_raters_does_not_count(said: list[str], chance: object) -> None:
    cast = votes(*said)
    mixed = [*cast]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    for rule in (Rule("each"), Rule("majority"), Rule("at-least", 2)):
        assert decide(mixed, rule) == decide(cast, rule)
