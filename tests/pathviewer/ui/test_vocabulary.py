"""What the pages offer is what the server takes."""

from __future__ import annotations

from models.reward import ABSENCES, EVENT_COST, RIGHT
from pathviewer.feedback.vocabulary import CHOICES, REASONS, STEP_CLASSES, STEP_EVENTS
from pathviewer.ui.vocabulary import feedback_vocabulary, verdict_words, vote_vocabulary
from storage.feedback.vocabulary import VERDICTS


def test_the_panel_offers_what_the_server_takes() -> None:
    offered = feedback_vocabulary()
    reward = offered.pop("reward")
    assert {part: tuple(word["name"] for word in words) for part, words in offered.items()} == {
        "verdicts": VERDICTS,
        "absences": tuple(ABSENCES),
        "errors": tuple(STEP_EVENTS),
        "classes": tuple(STEP_CLASSES),
    }
    assert (reward["event_cost"], reward["right"]) == (EVENT_COST, RIGHT)


def test_the_compare_page_offers_what_the_server_takes() -> None:
    assert vote_vocabulary() == {
        "choices": [{"name": name, "label": label} for name, label in CHOICES.items()],
        "reasons": [{"name": name, "label": label} for name, label in REASONS.items()],
    }


def test_the_slide_map_has_a_word_for_every_verdict() -> None:
    assert tuple(verdict_words()) == VERDICTS
