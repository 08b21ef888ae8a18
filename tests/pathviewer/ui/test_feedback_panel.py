"""What the judgment offers is what the server takes."""

from __future__ import annotations

from models.reward import ABSENCES, ERRORS, OUTSIDE_FORMULA
from pathviewer.feedback.vocabulary import STEP_CLASSES
from pathviewer.ui.feedback_panel import feedback_vocabulary
from storage.feedback.vocabulary import VERDICTS


def test_the_panel_offers_what_the_server_takes() -> None:
    offered = {
        part: tuple(choice["name"] for choice in choices)
        for part, choices in feedback_vocabulary().items()
    }
    assert offered == {
        "verdicts": VERDICTS,
        "absences": tuple(ABSENCES),
        "errors": (*ERRORS, *OUTSIDE_FORMULA),
        "classes": tuple(STEP_CLASSES),
    }
