"""What a completion depends on, as tested by its evidence maps: columns of formats about one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.errors import ModelError
from pathviewer.evidence.archive import PlaceTest, StoredEvidence, unpack_evidence
from pathviewer.export.columns import Column
from storage.errors import BlobError
from storage.export_rows import ExportedQuestion

ANSWER_COLUMNS = (
    Column(
        "depends_on",
        "text",
        "what the answer of `completion_id` depends on by its stored evidence map: a `place`, the "
        "`region` as a whole, or `none`, not on the picture; null if not tested",
    ),
    Column(
        "depends_on_place",
        "box",
        "box around the cells of the place, level-0 pixels; null unless `depends_on` is `place`",
    ),
    Column("depends_on_sentence", "text", "the claim for people; null as `depends_on` is"),
)
"""Columns of formats whose rows are about one completion."""

STEP_COLUMNS = (
    Column("steps_depend_on", "texts", "by step, as `depends_on`"),
    Column("steps_depend_on_place", "boxes", "by step, as `depends_on_place`; empty for null"),
    Column("steps_depend_on_sentence", "texts", "by step, as `depends_on_sentence`"),
)
"""Columns of formats whose rows list the steps."""


def load_tests(
    question: ExportedQuestion, completion: str, load: Callable[[str], bytes]
) -> CompletionTests:
    """Return the stored tests of a completion's passages; none if they cannot be read.

    `load` returns the file with a SHA-256.
    """
    sha256 = question.evidence.get(completion)
    if sha256 is None:
        return CompletionTests(question, None)
    try:
        return CompletionTests(question, unpack_evidence(load(sha256)))
    except (BlobError, ModelError):
        return CompletionTests(question, None)


class CompletionTests:
    """Tests of one completion's passages, as columns."""

    def __init__(self, question: ExportedQuestion, evidence: StoredEvidence | None) -> None:
        self._question = question
        self._tests: Mapping[str, PlaceTest] = {} if evidence is None else evidence.tests
        words = None if evidence is None else evidence.words
        self._grid = (1, 1) if words is None else words.cells.shape[:2]

    def answer_columns(self) -> dict[str, Any]:
        """Return the values of `ANSWER_COLUMNS`."""
        test = self._tests.get("answer")
        return {
            "depends_on": test and test.claim,
            "depends_on_place": self._box(test),
            "depends_on_sentence": test and test.sentence,
        }

    def step_columns(self, count: int) -> dict[str, Any]:
        """Return the values of `STEP_COLUMNS` for so many steps."""
        tests = [self._tests.get(f"step {number}") for number in range(1, count + 1)]
        return {
            "steps_depend_on": [test and test.claim for test in tests],
            "steps_depend_on_place": [self._box(test) or [] for test in tests],
            "steps_depend_on_sentence": [test and test.sentence for test in tests],
        }

    def _box(self, test: PlaceTest | None) -> list[int] | None:
        """[x, y, width, height] around the place, level-0 pixels; None unless it is claimed."""
        if test is None or test.claim != "place" or not test.cells:
            return None
        question, (rows, columns) = self._question, self._grid
        down, across = zip(*(divmod(cell, columns) for cell in test.cells), strict=True)
        left, right = (min(across) / columns, (max(across) + 1) / columns)
        top, bottom = (min(down) / rows, (max(down) + 1) / rows)
        x, y = round(question.x + left * question.width), round(question.y + top * question.height)
        return [
            x,
            y,
            round(question.x + right * question.width) - x,
            round(question.y + bottom * question.height) - y,
        ]
