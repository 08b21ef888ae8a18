"""Archives of evidence: what is packed is unpacked."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import ModelError
from models.messages import Box, ImagePlacement
from pathviewer.attention.archive import StoredAttention, pack_attention
from pathviewer.evidence.archive import (
    PlaceTest,
    StoredEvidence,
    WordLosses,
    pack_evidence,
    unpack_evidence,
)
from pathviewer.evidence.evidence_json import CompletionEvidence, evidence_json

TEXT = "<think>\n1. Glands.\n</think>\n<answer>A</answer>"
ENDS = (7, 18, 27, 35, 36, len(TEXT))
PLACEMENT = ImagePlacement(Box(10, 20, 300, 200), 84, 56, 3, 2)
CHECK = {"fill": "blur", "version": 1, "controls": None}
METHOD = {"name": "occlusion", "quick": False, "check": CHECK}
TEST = PlaceTest("place", "Depends on this place.", 0.9, 0.1, 0.2, (0.8, 0.7, 0.9), (4,))


def losses(tokens: int) -> WordLosses:
    chance = np.random.default_rng(tokens)
    cells = chance.random((2, 3, tokens)).astype(np.float16)
    return WordLosses(cells, cells.astype(np.float32).sum((0, 1)))


def evidence(answer: WordLosses | None = None) -> StoredEvidence:
    return StoredEvidence(METHOD, losses(6), answer, {"all": TEST})


@pytest.mark.parametrize("answer", [None, losses(1)])
def test_evidence_survives_packing(answer: WordLosses | None) -> None:
    stored = evidence(answer)
    again = unpack_evidence(pack_evidence(stored))
    assert again.words is not None
    assert stored.words is not None
    assert np.array_equal(again.words.cells, stored.words.cells)
    assert np.array_equal(again.words.region, stored.words.region)
    assert (again.answer is None) == (answer is None)
    assert (again.tests, again.method, again.quick) == (stored.tests, stored.method, {})


def test_the_quick_form_survives_packing_and_claims_nothing() -> None:
    quick = {"all": np.eye(2, 3, dtype=np.float16), "step 1": np.ones((2, 3), np.float16)}
    method = {"name": "attention x gradient", "quick": True, "check": None}
    stored = unpack_evidence(pack_evidence(StoredEvidence(method, quick=quick)))
    body = evidence_json(CompletionEvidence("A", (1,), PLACEMENT, stored))
    assert (body["unit"], body["method"]) == (None, method)
    _, passage = body["passages"]
    assert passage["losses"] == [1, 0, 0, 0, 1, 0]
    assert (passage["test"], passage["region_loss"]) == (None, None)
    with pytest.raises(ModelError, match="quick form, which has no maps of single words"):
        evidence_json(CompletionEvidence("A", (1,), PLACEMENT, stored), range(1))


@pytest.mark.parametrize("answer", [None, losses(1)])
def test_losses_of_a_passage_are_the_sums_of_its_tokens(answer: WordLosses | None) -> None:
    completion = CompletionEvidence(TEXT, ENDS, PLACEMENT, evidence(answer))
    body = evidence_json(completion)
    assert (body["rows"], body["columns"], body["box"]) == (2, 3, vars(PLACEMENT.box))
    passages = {passage["name"]: passage for passage in body["passages"]}
    assert list(passages) == ["step 1", "answer", "all"]
    whole = losses(6).cells.astype(np.float64).sum(2).ravel()
    assert passages["all"]["losses"] == pytest.approx(whole.tolist(), abs=1e-4)
    assert passages["all"]["test"]["cells"] == [4]
    assert body["method"]["check"] == CHECK | {"current": False}
    alone = whole if answer is None else answer.cells.astype(np.float64).ravel()
    assert passages["answer"]["losses"] == pytest.approx(alone.tolist(), abs=1e-4)
    words = evidence_json(completion, range(1, 3), TEST)
    (tokens,) = words["passages"]
    assert (tokens["name"], tokens["start"], tokens["end"]) == ("tokens", 7, 27)
    part = losses(6).cells[:, :, 1:3].astype(np.float64).sum(2).ravel()
    assert tokens["losses"] == pytest.approx(part.tolist(), abs=1e-4)


@pytest.mark.parametrize("archive", [b"", b"no archive", b"PK\3\4"])
def test_a_damaged_archive_says_so(archive: bytes) -> None:
    with pytest.raises(ModelError, match="is damaged; ask again"):
        unpack_evidence(archive)


def test_an_archive_of_attention_is_none_of_evidence() -> None:
    attention = pack_attention(StoredAttention(np.zeros((1, 1, 1), np.float16), None))
    with pytest.raises(ModelError, match="is damaged"):
        unpack_evidence(attention)
