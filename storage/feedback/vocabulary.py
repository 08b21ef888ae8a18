"""Words and limits of feedback that the database checks.

`pathviewer/feedback/vocabulary.py` gives the words labels, sentences and rewards.
"""

from __future__ import annotations

KINDS = ("verdict", "labels", "edited_trace", "evidence", "preference")
"""What a rater says about a completion."""
VERDICTS = (
    "correct",
    "partly_correct",
    "incorrect",
    "unsure",
    "not_assessable",
    "unsuitable_question",
)
"""A rater's verdict on the answer."""
SIDES = ("left", "right")
"""Votes for one of a pair of completions."""
NEUTRAL_CHOICES = ("tie", "both_bad")
"""Votes for neither."""
CHOICES = (*SIDES, *NEUTRAL_CHOICES)
"""A vote on a pair of completions."""
PREFERENCES = ("first", "second", *NEUTRAL_CHOICES)
"""Result of a vote for the stored pair, whichever of the two stood on the left; not stored."""
UNDONE = "undone"
"""Stored in place of a choice: the row withdraws an earlier vote."""
LEAST_CONFIDENCE, MOST_CONFIDENCE = 1, 5
"""1 is a guess, 5 is sure."""
KEY_LENGTH = 64
"""Maximum length of an idempotency key, in characters."""
COMMENT_LENGTH = 4_000
"""Maximum length of a comment, in characters."""
