"""The only exception that lets rows of append-only tables be removed, for migrations.

A row may be removed if a tombstone in `withdrawals`, itself append-only, says that the row's case
or rater was withdrawn after the row was written. Rows of an unrated question may also be removed
after the unrated questions of its account were withdrawn. Nothing else may be removed, and every
removal leaves its tombstone.
"""

from __future__ import annotations

_CASE = (
    "w.kind = 'case' AND w.subject_id IN (SELECT s.case_id FROM completions AS c "
    "JOIN questions AS r ON r.id = c.question_id JOIN slides AS s ON s.id = r.slide_id "
    "WHERE c.id IN ({completions}))"
)
_ASKER = (
    "w.kind = 'rater' AND w.subject_id IN (SELECT r.account_id FROM completions AS c "
    "JOIN questions AS r ON r.id = c.question_id WHERE c.id IN ({completions}))"
)
_RATER = "w.kind = 'rater' AND w.subject_id = OLD.rater_id"
_UNJUDGED = (
    "w.kind = 'unjudged' AND w.subject_id = (SELECT r.account_id FROM questions AS r "
    "WHERE r.id = {question}) AND NOT EXISTS (SELECT 1 FROM completions AS c "
    "WHERE c.question_id = {question} AND ("
    "EXISTS (SELECT 1 FROM feedback AS f WHERE f.completion_id = c.id) "
    "OR EXISTS (SELECT 1 FROM feedback AS f WHERE f.other_completion_id = c.id)))"
)
_READING_OF_CHECK = "(SELECT k.question_id FROM completions AS k WHERE k.id = OLD.completion_id)"
_RULES = {
    "feedback": (_RATER, _CASE.format(completions="OLD.completion_id, OLD.other_completion_id")),
    "completions": (
        "w.kind = 'rater' AND w.subject_id = "
        "(SELECT account_id FROM questions WHERE id = OLD.question_id)",
        "w.kind = 'case' AND w.subject_id = (SELECT s.case_id FROM questions AS r "
        "JOIN slides AS s ON s.id = r.slide_id WHERE r.id = OLD.question_id)",
        _UNJUDGED.format(question="OLD.question_id"),
    ),
    "deletion_checks": (
        _ASKER.format(completions="OLD.completion_id"),
        _CASE.format(completions="OLD.completion_id"),
        _UNJUDGED.format(question=_READING_OF_CHECK),
    ),
}
"""By table, when a tombstone `w` covers the row `OLD`."""


def withdrawal_condition(table: str) -> str:
    """SQL condition that a tombstone allows removal of the table's row `OLD`."""
    concerns = " OR ".join(f"({rule})" for rule in _RULES[table])
    return (
        f"EXISTS (SELECT 1 FROM withdrawals AS w "  # noqa: S608  our own words
        f"WHERE w.at >= OLD.created_at AND ({concerns}))"
    )
