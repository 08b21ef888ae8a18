"""Items: their answer follows from their picture, and choosing by options alone is of no use."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.question_sets import read_field_map, read_questions
from models.training.data.item_files import QUESTION_SETS, write_items
from models.training.data.items import ANSWERABLE, TrainingItem, make_items, render_item
from models.training.data.tiles import DataError, Tile, read_tiles
from models.training.specimen.claims import find_claims
from models.training.specimen.grammar import (
    CANNOT_ASSESS,
    CHOICES,
    DECISIVE_CLAIMS,
    NONE_OF_THESE,
    right_answer,
    write_trace,
)
from models.training.specimen.measures import derive_facts, measure
from models.training.specimen.picture_sampler import ItemMix
from tests.models.training.made_tiles import made_folder

COUNT = 260


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> list[Tile]:
    return read_tiles(made_folder(tmp_path_factory.mktemp("made")))


@pytest.fixture(scope="module")
def items(tiles: list[Tile]) -> list[TrainingItem]:
    return list(make_items(tiles, "train", count=COUNT, seed=3))


def test_every_kind_is_made_once_each_and_from_its_split(items: list[TrainingItem]) -> None:
    assert len({item.item_id for item in items}) == COUNT
    assert {item.question_type for item in items} == set(CHOICES)
    assert {item.situation for item in items} == {ANSWERABLE, NONE_OF_THESE, CANNOT_ASSESS}
    assert {tile.split for item in items for tile in item.picture.tiles} == {"train"}
    assert {item.picture.kind for item in items} == {"tile", "mosaic", "empty"}


def test_the_answer_follows_from_what_is_shown(items: list[TrainingItem]) -> None:
    for item in items:
        told = right_answer(item.question_type, item.facts)
        if item.options and told not in item.options:
            told = NONE_OF_THESE
        assert item.answer == told
        if item.options:
            assert item.options[ord(item.gold) - 65] == item.answer
            assert len(set(item.options)) == len(item.options)
            assert set(item.options) <= {*CHOICES[item.question_type], NONE_OF_THESE, CANNOT_ASSESS}
        else:
            assert item.gold == item.answer


def test_facts_are_those_of_the_rendered_picture(items: list[TrainingItem]) -> None:
    for item in items[:60]:
        measured = derive_facts(measure(render_item(item))).claims
        for claim, values in item.facts.claims.items():
            if claim not in {"pattern", "most nuclei"}:
                assert measured[claim] == values, (item.item_id, claim)


def test_what_cannot_be_told_is_no_fact(items: list[TrainingItem]) -> None:
    for item in items:
        if not item.facts.assessable:
            assert set(item.facts.claims) <= {"tissue", "focus"}
        elif item.situation == ANSWERABLE:
            assert len(item.facts.claims[DECISIVE_CLAIMS[item.question_type]]) == 1


def test_ways_to_decline_cost_nothing_to_see(items: list[TrainingItem]) -> None:
    answerable = [item for item in items if item.options and item.situation == ANSWERABLE]
    for words in (NONE_OF_THESE, CANNOT_ASSESS):
        share = sum(words in item.options for item in answerable) / len(answerable)
        assert 0.3 < share < 0.7
    free = sum(not item.options for item in items) / COUNT
    assert 0.1 < free < 0.3


def test_values_come_alike_often(items: list[TrainingItem]) -> None:
    for kind in ("cellularity", "open space", "quadrant"):
        own = [item for item in items if item.question_type == kind]
        counts = Counter(item.facts.nominal(DECISIVE_CLAIMS[kind]) for item in own)
        assert all(counts[value] >= 3 for value in CHOICES[kind]), (kind, counts)


def test_the_same_seed_gives_the_same_items(tiles: list[Tile]) -> None:
    first, second, other = (
        list(make_items(tiles, "rl", count=12, seed=seed, vary=True)) for seed in (5, 5, 6)
    )
    assert first == second
    assert first != other
    assert np.array_equal(render_item(first[3]), render_item(second[3]))


def test_traces_of_items_claim_what_holds(items: list[TrainingItem]) -> None:
    for item in items:
        trace = write_trace(item.question_type, item.facts, item.options, item.gold)
        for claim, value in find_claims(trace).items():
            assert value in item.facts.claims.get(claim, (value,)), (item.item_id, claim)


def test_a_mix_may_leave_kinds_out(tiles: list[Tile]) -> None:
    mix = ItemMix(types={"diagnosis": 1.0}, free_form=0, blurred=0, empty=0, missing=0, foreign=0)
    made = list(make_items(tiles, "test", count=20, seed=0, mix=mix))
    assert {item.situation for item in made} == {ANSWERABLE}
    groups = Counter(item.group_id for item in made[:9])
    assert max(groups.values()) <= 3


def test_tiles_that_do_not_suffice_are_a_sentence(tiles: list[Tile]) -> None:
    with pytest.raises(DataError, match="no lung tiles"):
        list(
            make_items([tile for tile in tiles if tile.label == "phantom"], "test", count=1, seed=0)
        )


def test_written_sets_are_read_by_evaluate(items: list[TrainingItem], tmp_path: Path) -> None:
    told = write_items(items[:30], tmp_path / "set")
    fields = read_field_map("own")
    for name in QUESTION_SETS:
        found = read_questions(tmp_path / "set" / name, fields)
        assert len(found.items) == told[name]
        assert not found.skipped
    assert told["questions.jsonl"] == 30 == told["answerable.jsonl"] + told["declining.jsonl"]
    assert told["plain.jsonl"] == told["answerable.jsonl"]
    plain = (tmp_path / "set" / "plain.jsonl").read_text().splitlines()
    assert not any(NONE_OF_THESE in json.loads(line)["options"] for line in plain)
    with pytest.raises(DataError, match="not empty"):
        write_items(items[:1], tmp_path / "set")
