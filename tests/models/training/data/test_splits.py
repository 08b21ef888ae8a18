"""Splits: shares, whole groups, and the committed list."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.data.import_tiles import ARCHIVE_LABELS
from models.training.data.splits import SAME_TISSUE, SHARES, choose_splits, read_split_list
from models.training.data.tiles import SPLITS, DataError


def label_of(group: str) -> str:
    return group.split("-")[0]


@given(st.lists(st.integers(0, 400), unique=True), st.integers(0, 5))
def test_any_order_gives_the_same_whole_split(numbers: list[int], seed: int) -> None:
    groups = {f"g-{number}": "benign" for number in numbers}
    chosen = choose_splits(groups, seed=seed)
    assert chosen == choose_splits(dict(reversed(groups.items())), seed=seed)
    assert set(chosen) == set(groups)
    counts = Counter(chosen.values())
    for split in SPLITS:
        assert abs(counts[split] - SHARES[split] * len(groups)) <= 1


def test_bundled_groups_go_where_the_first_used_went_and_move_no_other() -> None:
    groups = {f"g-{number}": "benign" for number in range(60)}
    alone = choose_splits(groups)
    tested = next(group for group in groups if alone[group] == "test")
    trained = next(group for group in groups if alone[group] == "train")
    bundled = choose_splits(groups, together=[(tested, trained, "not here")])
    assert bundled == alone | {tested: "train"}


def test_the_committed_list_is_the_rule() -> None:
    listed = read_split_list()
    assert len(listed) == 665
    groups = {group: ARCHIVE_LABELS[label_of(group)] for group in listed}
    assert listed == choose_splits(groups)
    for label in ("lung_aca", "lung_n", "lung_scc"):
        counts = Counter(split for group, split in listed.items() if label_of(group) == label)
        for split in SPLITS:
            assert abs(counts[split] / counts.total() - SHARES[split]) < 0.03


def test_groups_that_overlap_share_a_split() -> None:
    listed = read_split_list()
    for bundle in SAME_TISSUE:
        assert len({listed[group] for group in bundle}) == 1
    named = [group for bundle in SAME_TISSUE for group in bundle]
    assert len(set(named)) == len(named)


def test_a_damaged_list_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"list\.csv is not a list"):
        read_split_list(tmp_path / "list.csv")
