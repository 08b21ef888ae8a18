"""Values that a request may hold: the ends of each range, and what is said beyond them."""

from __future__ import annotations

import math

import pytest

from models.errors import PromptError
from models.messages import PixelBudget, Sampling


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("max_new_tokens", 1), ("max_new_tokens", 32_768)),
        *(("temperature", 0.0), ("temperature", 0.01), ("temperature", 2.0)),
        *(("top_p", 1e-9), ("top_p", 1.0)),
        *(("top_k", 0), ("top_k", 10**9)),
        *(("repetition_penalty", 0.1), ("repetition_penalty", 2.0)),
        *(("seed", 0), ("seed", 2**63 - 1)),
    ],
)
def test_the_ends_of_a_range_belong_to_it(name: str, value: float) -> None:
    assert getattr(Sampling(**{name: value}), name) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "range_"),
    [
        ("max_new_tokens", 0, "it is 1 to 32,768"),
        ("max_new_tokens", 32_769, "it is 1 to 32,768"),
        ("temperature", -0.5, "it is 0, or 0.01 to 2"),
        ("temperature", 0.001, "it is 0, or 0.01 to 2"),  # its scores would overflow
        ("temperature", 2.01, "it is 0, or 0.01 to 2"),
        ("temperature", math.nan, "it is 0, or 0.01 to 2"),  # equal to nothing, less than nothing
        ("temperature", math.inf, "it is 0, or 0.01 to 2"),
        ("top_p", 0.0, "it is above 0 and at most 1"),
        ("top_p", 1.1, "it is above 0 and at most 1"),
        ("top_k", -1, "it is 0 (all) or more"),
        ("repetition_penalty", 0.0, "it is above 0 and at most 2"),
        ("repetition_penalty", math.nan, "it is above 0 and at most 2"),
        ("seed", -1, "it is 0 to 2**63 - 1"),
        ("seed", 2**63, "it is 0 to 2**63 - 1"),  # more than torch takes
    ],
)
def test_beyond_it_the_value_and_the_range_are_named(name: str, value: float, range_: str) -> None:
    with pytest.raises(PromptError) as raised:
        Sampling(**{name: value})  # type: ignore[arg-type]
    assert str(raised.value) == f"{name}={value!r} is out of range; {range_}."


@pytest.mark.parametrize(("least", "most"), [(0, 5), (-1, 5), (6, 5)])
def test_an_empty_pixel_budget_is_refused(least: int, most: int) -> None:
    with pytest.raises(PromptError, match="is empty"):
        PixelBudget(least, most)
