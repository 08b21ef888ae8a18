"""Evidence maps in reports: what is drawn, on which scale and with which words."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.evidence import Claim
from models.messages import Box, PixelBudget
from models.placement import place_picture
from pathviewer.evidence.archive import PlaceTest, StoredEvidence, WordLosses
from pathviewer.evidence.drawable_maps import list_evidence_maps
from pathviewer.evidence.evidence_json import CompletionEvidence
from pathviewer.questions.report import ReportMap, small_map_facts

TEXT, ENDS = "<answer>left</answer>", (8, 12, 21)
PLACED = place_picture(Box(0, 0, 500, 300), 5 * 28, 3 * 28, PixelBudget(784, 10**7))
PIXELS = Image.new("RGB", (140, 84), "white")


def evidence_of(claim: Claim | None) -> CompletionEvidence:
    """An answer whose middle token loses 2 nats without one cell; None: the quick form."""
    cells = np.zeros((3, 5, 3), np.float16)
    cells[1, 2, 1] = 2
    if claim is None:
        method = {"name": "attention x gradient", "quick": True}
        quick = {"answer": cells[..., 1], "all": cells[..., 1]}
        return CompletionEvidence(TEXT, ENDS, PLACED, StoredEvidence(method, quick=quick))
    losses = WordLosses(cells, np.zeros(3, np.float32))
    test = PlaceTest(claim, f"Claims {claim}.", 0.5, 0.1, 0.1, (0.5,), (7,))
    stored = StoredEvidence(
        {"name": "occlusion", "quick": False}, losses, None, {"answer": test, "all": test}
    )
    return CompletionEvidence(TEXT, ENDS, PLACED, stored)


def facts_of(claim: Claim | None) -> dict[str, str | None]:
    """Facts of the answer's map in a report."""
    drawable = dict(list_evidence_maps(evidence_of(claim)))["answer"]
    facts = small_map_facts(PIXELS, ReportMap("evidence", drawable))
    assert facts
    return facts


def test_a_place_is_drawn_on_a_scale_in_nats() -> None:
    facts = facts_of("place")
    assert facts["caption"] == "Claims place. Colours: change of log-probability, 0 to 2 nats."
    assert (facts["uri"] or "").startswith("data:image/jpeg")


def test_what_no_place_decides_is_said_and_not_drawn() -> None:
    for claim in ("region", "none"):
        facts = facts_of(claim)
        assert facts == {"uri": None, "caption": f"Claims {claim}.", "view": "evidence"}


def test_the_quick_form_is_drawn_and_labelled() -> None:
    facts = facts_of(None)
    assert facts["caption"] == "Quick form: attention × gradient; no unit, not tested."
    assert facts["uri"]
