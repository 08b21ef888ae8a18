"""Never one tissue in two splits, and a group stays where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.export.errors import ExportError
from pathviewer.export.splits import Shares, group_slides, parse_shares
from storage.export_groups import TissueKey

few = st.integers(0, 6).map(str)
tissues = st.lists(
    st.builds(TissueKey, few, st.none() | few, st.none() | few, few), min_size=1, max_size=25
).map(
    # a slide is of one case and of one file
    lambda made: [
        TissueKey(
            each.slide_id,
            next(one.case_id for one in made if one.slide_id == each.slide_id),
            next(one.quickhash for one in made if one.slide_id == each.slide_id),
            each.pixels_sha256,
        )
        for each in made
    ]
)


@given(tissues)
def test_what_may_be_one_tissue_is_one_group(found: list[TissueKey]) -> None:
    groups = group_slides(found, Shares())
    for one in found:
        for other in found:
            same = (
                one.pixels_sha256 == other.pixels_sha256
                or (one.case_id is not None and one.case_id == other.case_id)
                or (one.quickhash is not None and one.quickhash == other.quickhash)
            )
            if same:
                assert groups.group_of[one.slide_id] == groups.group_of[other.slide_id]
    assert "train" in groups.split_of.values()


def alone(number: int) -> TissueKey:
    return TissueKey(f"slide {number}", None, None, f"picture {number}")


def test_a_group_stays_where_it_is_when_others_come() -> None:
    few_, many = ([alone(n) for n in range(count)] for count in (60, 600))
    before, after = group_slides(few_, Shares()), group_slides(many, Shares())
    ids = [each.slide_id for each in few_]
    old, new = ([made.split_of[made.group_of[name]] for name in ids] for made in (before, after))
    assert (
        sum(one != other for one, other in zip(old, new, strict=True)) <= 1
    )  # the lowest hash, which is train whatever its place
    counts = [
        sum(split == name for split in after.split_of.values())
        for name in ("train", "validation", "test")
    ]
    assert 440 < counts[0] < 520
    assert all(35 < count < 85 for count in counts[1:])


def test_a_single_case_is_trained_on() -> None:
    one = [TissueKey(f"slide {n}", "case", None, f"picture {n}") for n in range(5)]
    groups = group_slides(one, Shares())
    assert list(groups.split_of.values()) == ["train"]
    (name,) = groups.split_of
    assert name.startswith("case-")


def test_order_does_not_count() -> None:
    found = [TissueKey(f"s{n}", f"c{n // 2}", f"q{n % 3}", f"p{n}") for n in range(9)]
    assert group_slides(found, Shares()) == group_slides(found[::-1], Shares())


@pytest.mark.parametrize(
    "text", ["", "1", "0.5,0.5", "0,0.5,0.5", "0.8,0.1,0.2", "1,-0.5,0.5", "a,b,c", "nan,0,1"]
)
def test_what_are_no_shares_is_told(text: str) -> None:
    with pytest.raises(ExportError, match="are no shares"):
        parse_shares(text)


def test_shares_are_read() -> None:
    assert parse_shares("1,0,0") == Shares(1, 0, 0)
