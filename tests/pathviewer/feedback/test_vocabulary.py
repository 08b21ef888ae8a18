"""Each word of feedback is declared once; database, page and document have the same ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.reward import ABSENCES, EVENT_COST
from pathviewer.feedback.vocabulary import (
    CHOICES,
    REASONS,
    STEP_CLASSES,
    STEP_EVENTS,
    VERDICTS,
    VerdictWord,
    confidence_text,
    spoken,
)
from storage.feedback import vocabulary

ROOT = Path(__file__).parents[3]
JUDGING = (ROOT / "docs" / "judging.md").read_text(encoding="utf-8")
VOTE_BAR = ROOT / "pathviewer" / "ui" / "static" / "compare" / "vote_bar.js"


def table(head: str) -> list[tuple[str, ...]]:
    """The rows of the document's table with this head."""
    lines = JUDGING.split(f"| {head} |\n|")[1].split("\n\n")[0].splitlines()[1:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def verdict_cells(name: str, word: VerdictWord) -> tuple[str, ...]:
    outcome = "none" if word.outcome is None else f"{word.outcome:g}"
    return f"`{name}`", word.label, word.sentence, outcome


def test_words_with_labels_are_those_of_the_database() -> None:
    assert tuple(VERDICTS) == vocabulary.VERDICTS
    assert set(CHOICES) == set(vocabulary.CHOICES)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("absence | meaning", ABSENCES),
        ("error | meaning", STEP_EVENTS),
        ("step class | meaning", STEP_CLASSES),
    ],
)
def test_the_document_has_the_words(head: str, words: dict[str, str]) -> None:
    assert table(head) == [(f"`{name}`", sentence) for name, sentence in words.items()]


def test_the_document_has_the_verdicts() -> None:
    rows = [verdict_cells(name, word) for name, word in VERDICTS.items()]
    assert table("verdict | on the page | meaning | outcome") == rows


def test_the_document_has_the_cost_of_an_event() -> None:
    assert re.findall(r"max\(0, 1 - (\S+) [me]\)", JUDGING) == [str(EVENT_COST)] * 2


def test_every_choice_and_reason_has_a_key() -> None:
    keys = re.findall(r"(\w+): \"[A-Z]\"", VOTE_BAR.read_text(encoding="utf-8"))
    assert set(keys) == {*CHOICES, *REASONS}


def test_words_in_running_text() -> None:
    assert spoken("partly_correct") == "partly correct"
    assert confidence_text(2) == "sure 2 of 5"
