"""Evidence maps: found in parts, tested by blurred pixels, ended between two requests."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from models.deletion_check import DeletionCheck
from models.errors import CancelledError
from models.evidence import CLAIMS, EvidenceFinder, EvidenceMap, find_target
from models.messages import Box, Completion, ImagePlacement, OcclusionRequest, Prompt
from models.occlusion import OcclusionRows
from models.reasoning.trace import parse

PLACEMENT = ImagePlacement(Box(0, 0, 100, 100), 252, 252, 9, 9)
TEXT = "<think>\n1. Glands.\n2. So it is A.\n</think>\n<answer>A</answer>"


class Recorder:
    """Notes each request; each cell loses its number."""

    def __init__(self) -> None:
        self.requests: list[OcclusionRequest] = []
        self.cancelled = threading.Event()

    def occlude(self, request: OcclusionRequest) -> OcclusionRows:
        self.requests.append(request)
        numbers = request.places.reshape(len(request.places), -1).argmax(1)
        occluded = -np.repeat(numbers[:, None], 2, 1).astype(np.float32)
        if len(self.requests) == 2:
            self.cancelled.set()
        return OcclusionRows(
            request.places, np.zeros(2, np.float32), np.full(2, -9, np.float32), occluded
        )


def finder(engine: Recorder, cancelled: threading.Event | None = None) -> EvidenceFinder:
    return EvidenceFinder(
        engine,  # type: ignore[arg-type]
        Prompt("What is it?"),
        PLACEMENT,
        priority=-1,
        cancelled=cancelled,
    )


def test_cells_are_occluded_in_parts_so_that_an_answer_goes_first() -> None:
    engine = Recorder()
    rows = finder(engine).occlude(Completion(TEXT))
    assert [len(request.places) for request in engine.requests] == [32, 32, 17]
    assert {request.priority for request in engine.requests} == {-1}
    assert len({request.request_id for request in engine.requests}) == 3
    expected = 2 * np.arange(81, dtype=np.float32).reshape(9, 9)
    assert np.array_equal(rows.cell_map(range(2)), expected)
    assert rows.loss_of_all(range(2)) == 18


def test_the_search_ends_between_two_parts() -> None:
    engine = Recorder()
    with pytest.raises(CancelledError):
        finder(engine, engine.cancelled).occlude(Completion(TEXT))
    assert len(engine.requests) == 2


def test_the_top_cells_lose_most_and_gains_count_least() -> None:
    losses = np.linspace(-1, 1, 81, dtype=np.float32).reshape(9, 9)
    chosen = EvidenceMap(0, PLACEMENT, losses, 1.0).top_cells()
    assert chosen.sum() == 8
    assert chosen[8, 1:].all()


def test_a_claim_follows_from_the_check() -> None:
    masked = np.zeros((9, 9), np.bool_)
    checks = {
        "place": DeletionCheck(0.9, 0.1, 0.2, (0.8, 0.9, 0.7), masked),
        "region": DeletionCheck(0.9, 0.1, 0.6, (0.8, 0.5, 0.7), masked),
        "none": DeletionCheck(0.9, 0.8, 0.7, (0.8, 0.9, 0.6), masked),
    }
    assert {CLAIMS[check.verdict]: check for check in checks.values()} == checks


def test_the_words_of_each_passage_are_found() -> None:
    trace = parse(TEXT)
    step = find_target(trace, TEXT, "step 2")
    assert step is not None
    assert "So it is A." in step.words
    assert step.text == TEXT
    assert step.before.endswith("1. Glands.\n")
    answer = find_target(trace, TEXT, "answer")
    assert answer is not None
    assert (answer.words, "Glands" in answer.text) == ("A", False)
    whole = find_target(trace, TEXT, "all")
    assert whole is not None
    assert (whole.words, whole.around) == (TEXT, ("", ""))
    for passage in ("step 3", "tokens", ""):
        assert find_target(trace, TEXT, passage) is None
    assert find_target(parse(""), "", "all") is None
    assert find_target(parse("x"), "x", "answer") is None
