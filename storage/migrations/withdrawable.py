"""The one way in which rows of a table that only grows may go, for migrations.

A row is let go if a tombstone in `withdrawals`, which itself can only grow, says that the row's
case or rater was withdrawn after the row was written; of a reading that nobody judged, also if what
its asker left unjudged was. Nothing else is let go, and no row without
leaving that trace.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

_CASE = (
    "w.kind = 'case' AND w.subject_id IN (SELECT s.case_id FROM completions AS c "
    "JOIN questions AS r ON r.id = c.question_id JOIN slides AS s ON s.id = r.slide_id "
    "WHERE c.id IN ({completions}))"
)
_ASKED = (
    "w.kind = 'rater' AND w.subject_id IN (SELECT r.account_id FROM completions AS c "
    "JOIN questions AS r ON r.id = c.question_id WHERE c.id IN ({completions}))"
)
_SAID = "w.kind = 'rater' AND w.subject_id = OLD.rater_id"
_RULES = {
    "feedback": (_SAID, _CASE.format(completions="OLD.completion_id, OLD.other_completion_id")),
    "completions": (
        "w.kind = 'rater' AND w.subject_id = "
        "(SELECT account_id FROM questions WHERE id = OLD.question_id)",
        "w.kind = 'case' AND w.subject_id = (SELECT s.case_id FROM questions AS r "
        "JOIN slides AS s ON s.id = r.slide_id WHERE r.id = OLD.question_id)",
    ),
    "deletion_checks": (
        _ASKED.format(completions="OLD.completion_id"),
        _CASE.format(completions="OLD.completion_id"),
    ),
}
"""When a tombstone `w` speaks of the row `OLD`, by table."""


def withdrawable(table: str) -> None:
    """Let rows of a table go that a tombstone speaks of; `append_only` has been there before."""
    spoken_of = _spoken_of(_RULES[table])
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql(table, spoken_of)
        return
    _refuse_on_sqlite(table, spoken_of)


def withdrawable_too(table: str, rule: str) -> None:
    """Let rows go by one rule more; `withdrawable` has been there before."""
    spoken_of = _spoken_of((*_RULES[table], rule))
    if op.get_bind().dialect.name == "postgresql":
        _refuse_delete(table, spoken_of)
        return
    _refuse_on_sqlite(table, spoken_of)


def _spoken_of(rules: Sequence[str]) -> str:
    speaks = " OR ".join(f"({rule})" for rule in rules)
    return (
        f"EXISTS (SELECT 1 FROM withdrawals AS w "  # noqa: S608  our own words
        f"WHERE w.at >= OLD.created_at AND ({speaks}))"
    )


def _refuse_on_sqlite(table: str, spoken_of: str) -> None:
    op.execute(f"DROP TRIGGER {table}_no_delete")
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {spoken_of} BEGIN "
        f"SELECT RAISE(ABORT, '{table} can only grow'); END"
    )


def _refuse_delete(table: str, spoken_of: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION refuse_{table}_delete() RETURNS trigger "
        f"LANGUAGE plpgsql AS $$ BEGIN IF {spoken_of} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{table} can only grow'; END $$"
    )


def _on_postgresql(table: str, spoken_of: str) -> None:
    of = _columns_of_change(table)
    op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE{of} OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_{table}_change()"
    )
    _refuse_delete(table, spoken_of)
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_{table}_delete()"
    )


def _columns_of_change(table: str) -> str:
    """Columns whose change is refused, as the trigger that is replaced names them."""
    if table != "completions":
        return ""
    kept = (
        "id question_id index text token_ids token_ends finish answer well_formed seconds "
        "first_token_seconds created_at"
    )
    quoted = [f'"{name}"' for name in kept.split()]
    return f" OF {', '.join(quoted)}"
