"""Assignment of groups to splits: a committed list, and a rule for other groups."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from models.training.data.tiles import SPLITS, DataError

SHARES: Mapping[str, float] = {"train": 0.55, "rl": 0.12, "validation": 0.10, "test": 0.23}
"""Share of each label's groups."""
SPLIT_LIST = Path(__file__).with_name("splits.csv")
"""The committed list: `group_id,split` of LC25000's lung groups."""
SEED = 4
SAME_TISSUE: tuple[tuple[str, ...], ...] = (
    ("lung_aca-11", "lung_aca-27"),
    ("lung_aca-148", "lung_aca-17", "lung_aca-181"),
    ("lung_aca-172", "lung_aca-4"),
    ("lung_aca-178", "lung_aca-196"),
    ("lung_aca-193", "lung_aca-5"),
    ("lung_aca-203", "lung_aca-60"),
    ("lung_n-106", "lung_n-112"),
    ("lung_n-108", "lung_n-198"),
    ("lung_n-114", "lung_n-243", "lung_n-80"),
    ("lung_n-177", "lung_n-228"),
    ("lung_n-194", "lung_n-244"),
    ("lung_n-236", "lung_n-96"),
    ("lung_n-237", "lung_n-248"),
    ("lung_scc-112", "lung_scc-137"),
    ("lung_scc-115", "lung_scc-124"),
    ("lung_scc-134", "lung_scc-164"),
    ("lung_scc-167", "lung_scc-45"),
    ("lung_scc-172", "lung_scc-61"),
    ("lung_scc-183", "lung_scc-238"),
    ("lung_scc-214", "lung_scc-239"),
    ("lung_scc-46", "lung_scc-70"),
)
"""Groups of LC25000-clean with overlapping tiles, found as described in docs/training-data.md."""


def read_split_list(path: Path = SPLIT_LIST) -> dict[str, str]:
    """Split by group id from the list. Raises DataError for an unreadable list."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["group_id"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        message = f"{path.name} is not a list of group_id,split ({error})."
        raise DataError(message) from error


def choose_splits(
    groups: Mapping[str, str],
    *,
    seed: int = SEED,
    together: Iterable[Sequence[str]] = SAME_TISSUE,
) -> dict[str, str]:
    """Choose a split for every group, with the same shares of each label in every split.

    `groups` has the label by group id. Groups of a label are sorted, shuffled by the seed and
    divided by the shares, so the result does not depend on the given order. Groups in one set of
    `together` then move to the earliest of their splits (in the order of `SPLITS`); all others
    stay.
    """
    chosen: dict[str, str] = {}
    for label in sorted(set(groups.values())):
        own = sorted(group for group, of in groups.items() if of == label)
        random.Random(f"{seed} {label}").shuffle(own)  # noqa: S311 - a split, no secret
        chosen |= dict(zip(own, _cut(len(own)), strict=True))
    for bundle in together:
        here = [group for group in bundle if group in chosen]
        first = min((chosen[group] for group in here), key=SPLITS.index, default="")
        chosen |= dict.fromkeys(here, first)
    return chosen


def _cut(count: int) -> list[str]:
    """A split for each of `count` positions, shares rounded."""
    names, upto, done = [], 0.0, 0
    for split in SPLITS:
        upto += SHARES[split]
        here = round(upto * count) - done
        names += [split] * here
        done += here
    return names
