"""Nothing but the policy decides who may see what: the words of its rules stand nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOME = "storage/blinding/"
WORDS = {
    r"\bSEES_ALL\b": {"pathviewer/auth/roles.py", "pathviewer/auth/identity.py"},
    r"\.sees_all\b": set(),
    # a card says that its export is one rater's
    r"\.rates\b": {"pathviewer/export/card.py"},
    r"\b(identity|caller)\.rater\b": set(),
    r"\bawaits_author\b": {
        "pathviewer/questions/snapshot.py",
        "pathviewer/commands/blinding.py",  # asks the policy for its tables
    },
    # a vote's blindness is evidence about it; it hides nothing
    r"\bvote_is_unblinded\b": {
        "storage/export_rows.py",
        "storage/statistics/feedback_rows.py",
        "storage/statistics/repeat_rows.py",
    },
}
"""What only the policy may ask, and the modules with another reason to."""


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_policy_stands_nowhere_else(word: str) -> None:
    found = {
        str(path.relative_to(ROOT))
        for package in ("pathviewer", "storage")
        for path in (ROOT / package).rglob("*.py")
        if re.search(word, path.read_text(encoding="utf-8"))
    }
    assert {path for path in found if not path.startswith(HOME)} <= WORDS[word]
