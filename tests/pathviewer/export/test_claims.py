"""What an answer and its steps depend on leaves with the rows about them."""

from __future__ import annotations

import numpy as np
import pytest

from pathviewer.evidence.archive import (
    MEDIA_TYPE,
    PlaceTest,
    StoredEvidence,
    WordLosses,
    pack_evidence,
)
from storage.blobs import store_blob
from storage.questions.store import set_evidence
from tests.pathviewer.export.made_labels import RIGHT, WRONG, Labels, Loads, rows

# a grid of 4 x 2 cells over the region at (10, 20), 168 x 168 px: cells of 42 x 84 px
PLACE = PlaceTest("place", "Depends on this place.", 0.5, 0.1, 0.1, (0.5,), (1, 6))
REGION = PlaceTest("region", "Depends on the region.", 0.5, 0.1, 0.5, (), (0,))
ANSWER_BOX = [52, 20, 84, 168]


def weigh(labels: Labels, *, readable: bool = True) -> None:
    """Two judged completions; of the first one evidence is stored."""
    losses = WordLosses(np.zeros((2, 4, 1), np.float16), np.zeros(1, np.float32))
    tests = {"step 1": REGION, "answer": PLACE, "all": PLACE}
    archive = pack_evidence(
        StoredEvidence({"name": "occlusion", "quick": False}, losses, None, tests)
    )
    data = archive if readable else b"damaged"
    with labels.database.session() as session:
        one, other = labels.reading(session, "s", 1, RIGHT, WRONG)
        for each in (one, other):
            labels.verdict(session, "ada", each, "correct")
            labels.say(session, "ada", each, "labels", absences=[], steps=[])
        sha256 = store_blob(session, labels.blobs, data, "evidence", MEDIA_TYPE)
        set_evidence(session, one, sha256)


@pytest.mark.parametrize("name", ["unpaired", "stepwise", "sft"])
def test_a_row_says_what_its_answer_depends_on(labels: Labels, load: Loads, name: str) -> None:
    weigh(labels)
    found = {row["depends_on"]: row for row in rows(load(labels, name))}
    assert set(found) == {"place", None}
    assert found["place"]["depends_on_place"] == ANSWER_BOX
    assert found["place"]["depends_on_sentence"] == PLACE.sentence
    assert found[None]["depends_on_place"] is None
    assert found[None]["depends_on_sentence"] is None


def test_steps_say_what_they_depend_on(labels: Labels, load: Loads) -> None:
    weigh(labels)
    found = {row["depends_on"]: row for row in rows(load(labels, "stepwise"))}
    tested, untested = found["place"], found[None]
    more = [None] * (len(tested["completions"]) - 1)
    assert tested["steps_depend_on"] == ["region", *more]
    assert tested["steps_depend_on_place"] == [[], *([] for _ in more)]  # no place is claimed
    assert tested["steps_depend_on_sentence"] == [REGION.sentence, *more]
    assert untested["steps_depend_on"] == [None] * len(untested["completions"])


def test_evidence_that_cannot_be_read_leaves_no_claim(labels: Labels, load: Loads) -> None:
    weigh(labels, readable=False)
    assert {row["depends_on"] for row in rows(load(labels, "unpaired"))} == {None}
