"""Baseline with every table, index and trigger. Databases of version 0.1.0 have other revisions."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.migrations.append_only import append_only
from storage.migrations.columns import (
    checks,
    create_index,
    doubles,
    flag,
    id_column,
    integers,
    json_column,
    moment,
    primary_key,
    reference,
    text_column,
    unique,
)
from storage.migrations.withdrawable import withdrawal_condition

revision = "2026_baseline"
down_revision = None
branch_labels = None
depends_on = None

FIRST_ANSWER_RULES = {
    "first_answer": "(first_answer IS NULL) = (first_answer_at IS NULL)",
    "first_confidence": "first_confidence IS NULL OR "
    "(first_confidence BETWEEN 1 AND 5 AND first_answer IS NOT NULL)",
}
"""A first answer has a time; a confidence requires an answer."""

COMPLETION_COLUMNS = (
    "id",
    "question_id",
    "index",
    "text",
    "token_ids",
    "token_ends",
    "finish",
    "answer",
    "well_formed",
    "seconds",
    "first_token_seconds",
    "created_at",
)
"""Immutable columns of a completion: all except the file of its attention."""


def upgrade() -> None:
    """Create the schema."""
    _create_accounts()
    _create_cases()
    _create_slides()
    _create_questions()
    _create_feedback()
    _create_worklists()
    _create_comparisons()
    _create_withdrawals()
    _create_audit()
    _protect_history()


def _create_accounts() -> None:
    rules = {
        "role": "role IN ('admin', 'researcher', 'clinician', 'viewer')",
        "name": "name <> '' AND name = lower(name)",
        "issuer_subject": "(issuer IS NULL) = (subject IS NULL)",
    }
    accounts = op.create_table(
        "accounts",
        id_column(),
        text_column("name", 64),
        text_column("role", 16),
        text_column("password_hash", 256, null=True),
        text_column("issuer", 512, null=True),
        text_column("subject", 255, null=True),
        flag("disabled"),
        sa.Column("rater", sa.Boolean, nullable=False, server_default=sa.true()),
        moment("created_at"),
        primary_key("accounts", "id"),
        unique("accounts", "name"),
        unique("accounts", "issuer", "subject"),
        *checks("accounts", rules),
    )
    local = {"id": "local", "name": "local", "role": "admin", "disabled": False}
    op.bulk_insert(accounts, [{**local, "created_at": datetime.now(UTC)}])
    _create_sessions()
    _create_tokens()
    _create_consents()


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        text_column("token_hash", 64),
        id_column("account_id"),
        moment("created_at"),
        moment("expires_at"),
        primary_key("sessions", "token_hash"),
        reference("sessions", "account_id", "accounts.id"),
    )
    create_index("sessions", "account_id")
    create_index("sessions", "expires_at")


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        id_column(),
        text_column("token_hash", 64),
        id_column("account_id"),
        text_column("label", 200),
        moment("created_at"),
        moment("expires_at", null=True),
        moment("revoked_at", null=True),
        primary_key("tokens", "id"),
        unique("tokens", "token_hash"),
        reference("tokens", "account_id", "accounts.id"),
    )
    create_index("tokens", "account_id")


def _create_consents() -> None:
    op.create_table(
        "consents",
        id_column(),
        id_column("account_id"),
        text_column("licence", 200),
        moment("agreed_at"),
        primary_key("consents", "id"),
        unique("consents", "account_id", "licence"),
        reference("consents", "account_id", "accounts.id"),
        *checks("consents", {"licence": "licence <> ''"}),
    )


def _create_cases() -> None:
    rules = {
        "name": "name <> ''",
        "reference": "reference_source IS NULL OR reference_answer IS NOT NULL",
    }
    op.create_table(
        "cases",
        id_column(),
        text_column("name", 200),
        text_column("reference_answer", null=True),
        text_column("reference_source", 200, null=True),
        moment("created_at"),
        primary_key("cases", "id"),
        unique("cases", "name"),
        *checks("cases", rules),
    )


def _create_slides() -> None:
    op.create_table(
        "slides",
        id_column(),
        text_column("folder"),
        text_column("relative_path"),
        text_column("quickhash", 128, null=True),
        text_column("alias", 200),
        text_column("file_name", 255, null=True),
        json_column("instances", null=True),
        moment("first_seen_at"),
        moment("replaced_at", null=True),
        id_column("case_id", null=True),
        *(text_column(name, 200, null=True) for name in ("organ", "specimen", "stain", "scanner")),
        primary_key("slides", "id"),
        reference("slides", "case_id", "cases.id"),
        *checks("slides", {"alias": "alias <> ''"}),
    )
    create_index("slides", "quickhash")
    create_index("slides", "case_id")
    _create_slide_location()
    _create_scale_entries()
    _create_uploads()
    _create_regions()


def _create_slide_location() -> None:
    """Allow one current slide per location."""
    present = sa.text("replaced_at IS NULL")
    op.create_index(
        "uq_slides_location",
        "slides",
        ["folder", "relative_path"],
        unique=True,
        sqlite_where=present,
        postgresql_where=present,
    )


def _create_scale_entries() -> None:
    rules = {
        "mpp": "mpp_x > 0 AND mpp_y > 0",
        "both_axes": "(mpp_x IS NULL) = (mpp_y IS NULL)",
        "line": "line IS NULL OR mpp_x IS NOT NULL",
    }
    op.create_table(
        "scale_entries",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        id_column("slide_id"),
        id_column("account_id"),
        moment("entered_at", null=True),
        *doubles("mpp_x mpp_y claimed_x claimed_y", null=True),
        json_column("line", null=True),
        primary_key("scale_entries", "id"),
        reference("scale_entries", "slide_id", "slides.id"),
        reference("scale_entries", "account_id", "accounts.id"),
        *checks("scale_entries", rules),
        sqlite_autoincrement=True,
    )
    create_index("scale_entries", "slide_id")


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        text_column("id", 32),
        id_column("account_id"),
        text_column("file_name", 255),
        sa.Column("byte_count", sa.BigInteger, nullable=False),
        text_column("folder_id", 32),
        text_column("series", 64, null=True),
        moment("begun_at"),
        moment("arrived_at", null=True),
        primary_key("uploads", "id"),
        reference("uploads", "account_id", "accounts.id"),
        *checks("uploads", {"byte_count": "byte_count > 0"}),
    )
    create_index("uploads", "account_id", "arrived_at")
    create_index("uploads", "account_id", "series")


def _create_regions() -> None:
    rules = {"shape": "shape IN ('rectangle', 'polygon')", "size": "width > 0 AND height > 0"}
    op.create_table(
        "regions",
        id_column(),
        id_column("slide_id"),
        id_column("account_id"),
        text_column("name", 200),
        text_column("shape", 16),
        json_column("points"),
        *integers("x y width height"),
        moment("created_at"),
        moment("updated_at"),
        primary_key("regions", "id"),
        reference("regions", "slide_id", "slides.id"),
        reference("regions", "account_id", "accounts.id"),
        *checks("regions", rules),
    )
    create_index("regions", "slide_id", "account_id")
    create_index("regions", "account_id")


def _create_questions() -> None:
    _create_blobs()
    op.create_table(
        "questions",
        *_question_columns(),
        primary_key("questions", "id"),
        reference("questions", "account_id", "accounts.id"),
        reference("questions", "slide_id", "slides.id"),
        reference("questions", "pixels_sha256", "blobs.sha256"),
        *checks("questions", _question_rules()),
    )
    create_index("questions", "account_id", "created_at")
    create_index("questions", "slide_id", "created_at")
    create_index("questions", "pixels_sha256")
    create_index("questions", "state")
    # rows are long; statistics need only these columns
    create_index("questions", "id", "slide_id", "model", "task")
    _create_completions()
    _create_deletion_checks()


def _create_blobs() -> None:
    rules = {
        "kind": "kind IN ('pixels', 'attention')",
        "sha256": "length(sha256) = 64",
        "byte_count": "byte_count > 0",
    }
    op.create_table(
        "blobs",
        text_column("sha256", 64),
        text_column("kind", 16),
        text_column("media_type", 100),
        sa.Column("byte_count", sa.BigInteger, nullable=False),
        moment("created_at"),
        moment("removed_at", null=True),
        primary_key("blobs", "sha256"),
        *checks("blobs", rules),
    )
    create_index("blobs", "kind", "created_at")


def _question_columns() -> list[sa.Column[Any]]:
    """Columns of the question, the model's input and the outcome."""
    return [
        id_column(),
        id_column("account_id"),
        id_column("slide_id"),
        text_column("quickhash", 128, null=True),
        *integers("x y width height"),
        json_column("points", null=True),
        flag("paint_outside"),
        *doubles("mpp", null=True),
        *(json_column(name, null=True) for name in ("scale", "slide_identity")),
        text_column("question"),
        *(json_column(name) for name in ("options", "context")),
        text_column("task", 200, null=True),
        flag("outside_known_types"),
        text_column("prompt"),
        text_column("system", null=True),
        text_column("pixels_sha256", 64),
        *integers("pixel_width pixel_height columns rows prompt_tokens", null=True),
        json_column("colours", null=True),
        text_column("writer", 300, null=True),
        text_column("model"),
        text_column("model_revision", null=True),
        json_column("model_info", null=True),
        json_column("sampling"),
        *integers("count min_pixels max_pixels"),
        flag("blind"),
        text_column("state", 16),
        text_column("failure", null=True),
        text_column("first_answer", null=True),
        *integers("first_confidence", null=True),
        moment("first_answer_at", null=True),
        moment("created_at"),
        moment("ended_at", null=True),
    ]


def _question_rules() -> dict[str, str]:
    return {
        "size": "width > 0 AND height > 0",
        "mpp": "mpp > 0",
        "count": "count > 0",
        "budget": "min_pixels > 0 AND max_pixels >= min_pixels",
        "state": "state IN ('running', 'done', 'stopped', 'failed')",
        "ended": "(state = 'running') = (ended_at IS NULL)",
        "failure": "(state = 'failed') = (failure IS NOT NULL)",
        **FIRST_ANSWER_RULES,
    }


def _create_completions() -> None:
    rules = {"finish": "finish IN ('stop', 'length', 'cancelled')", "index": '"index" >= 0'}
    op.create_table(
        "completions",
        id_column(),
        id_column("question_id"),
        *integers("index"),
        text_column("text"),
        json_column("token_ids"),
        json_column("token_ends"),
        text_column("finish", 16),
        text_column("answer", null=True),
        flag("well_formed"),
        *doubles("seconds first_token_seconds"),
        text_column("attention_sha256", 64, null=True),
        moment("created_at"),
        primary_key("completions", "id"),
        unique("completions", "question_id", "index"),
        reference("completions", "question_id", "questions.id"),
        reference("completions", "attention_sha256", "blobs.sha256"),
        *checks("completions", rules),
    )
    create_index("completions", "attention_sha256")
    # rows are long; statistics need only these columns
    create_index("completions", "id", "question_id")


def _create_deletion_checks() -> None:
    op.create_table(
        "deletion_checks",
        id_column(),
        id_column("completion_id"),
        id_column("account_id"),
        text_column("passage", 64),
        *doubles("as_is blanked attended_masked"),
        json_column("random_masked"),
        text_column("verdict", 64),
        text_column("sentence"),
        moment("created_at"),
        primary_key("deletion_checks", "id"),
        reference("deletion_checks", "completion_id", "completions.id"),
        reference("deletion_checks", "account_id", "accounts.id"),
    )
    create_index("deletion_checks", "completion_id")


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        *_feedback_columns(),
        primary_key("feedback", "id"),
        unique("feedback", "rater_id", "idempotency_key"),
        unique("feedback", "supersedes_id"),
        reference("feedback", "rater_id", "accounts.id"),
        reference("feedback", "completion_id", "completions.id"),
        reference("feedback", "supersedes_id", "feedback.id"),
        reference("feedback", "other_completion_id", "completions.id"),
        reference("feedback", "left_completion_id", "completions.id"),
        *checks("feedback", {**_feedback_rules(), **_feedback_kind_rules()}),
    )
    create_index("feedback", "completion_id", "rater_id", "seconds")
    create_index("feedback", "other_completion_id")
    # covers everything verdicts are counted from; its first columns find labels and preferences
    counted = ["kind", "completion_id", "rater_id", "verdict", "confidence", "created_at", "id"]
    op.create_index("ix_feedback_statistics", "feedback", counted)
    _create_current_feedback()
    _create_judge_labels()


def _feedback_columns() -> list[sa.Column[Any]]:
    return [
        id_column(),
        id_column("rater_id"),
        id_column("completion_id"),
        text_column("kind", 16),
        text_column("idempotency_key", 64),
        id_column("supersedes_id", null=True),
        moment("created_at"),
        *doubles("seconds", null=True),
        flag("overlay_seen", null=True),
        text_column("comment", null=True),
        text_column("verdict", 32, null=True),
        text_column("corrected_answer", null=True),
        *integers("confidence", null=True),
        *(json_column(name, null=True) for name in ("absences", "steps", "edited_steps")),
        text_column("edited_text", null=True),
        *integers("x y width height", null=True),
        json_column("points", null=True),
        id_column("other_completion_id", null=True),
        id_column("left_completion_id", null=True),
        text_column("choice", 16, null=True),
        json_column("reasons", null=True),
    ]


def _feedback_rules() -> dict[str, str]:
    return {
        "kind": "kind IN ('verdict', 'labels', 'edited_trace', 'evidence', 'preference')",
        "verdict": "verdict IN ('correct', 'partly_correct', 'incorrect', 'unsure', "
        "'not_assessable', 'unsuitable_question')",
        "confidence": "confidence BETWEEN 1 AND 5",
        "comment": "length(comment) <= 4000",
        "seconds": "seconds >= 0",
        "idempotency_key": "length(idempotency_key) BETWEEN 1 AND 64",
        "size": "width > 0 AND height > 0",
        # evidence without a box withdraws an earlier one
        "box": "(x IS NULL) = (y IS NULL) AND (x IS NULL) = (width IS NULL) "
        "AND (x IS NULL) = (height IS NULL) AND (points IS NULL OR x IS NOT NULL)",
        # `undone` withdraws an earlier vote
        "choice": "choice IN ('left', 'right', 'tie', 'both_bad', 'undone')",
        "pair": "other_completion_id <> completion_id",
        "left": "left_completion_id IN (completion_id, other_completion_id)",
    }


def _feedback_kind_rules() -> dict[str, str]:
    required = {  # columns required for a kind and forbidden for others
        "verdict": ("verdict",),
        "labels": ("absences", "steps"),
        "edited_trace": ("edited_steps", "edited_text"),
        "preference": ("other_completion_id", "left_completion_id", "choice"),
    }
    optional = {  # columns allowed for a kind and forbidden for others
        "verdict": ("corrected_answer", "confidence"),
        "evidence": ("x", "y", "width", "height", "points"),
        "preference": ("reasons",),
    }
    return {
        "whole": " AND ".join(
            f"(kind = '{kind}') = ({column} IS NOT NULL)"
            for kind, columns in required.items()
            for column in columns
        ),
        "foreign": " AND ".join(
            f"(kind = '{kind}' OR {column} IS NULL)"
            for kind, columns in optional.items()
            for column in columns
        ),
    }


def _create_current_feedback() -> None:
    op.create_table(
        "current_feedback",
        id_column("rater_id"),
        id_column("completion_id"),
        text_column("kind", 16),
        id_column("other"),
        id_column("feedback_id"),
        primary_key("current_feedback", "rater_id", "completion_id", "kind", "other"),
        unique("current_feedback", "feedback_id"),
        reference("current_feedback", "rater_id", "accounts.id"),
        reference("current_feedback", "completion_id", "completions.id"),
        reference("current_feedback", "feedback_id", "feedback.id"),
    )
    create_index("current_feedback", "completion_id")


def _create_judge_labels() -> None:
    op.create_table(
        "judge_labels",
        id_column(),
        id_column("completion_id"),
        text_column("judge", 200),
        json_column("events"),
        moment("created_at"),
        primary_key("judge_labels", "id"),
        unique("judge_labels", "completion_id", "judge"),
        reference("judge_labels", "completion_id", "completions.id", ondelete="CASCADE"),
        *checks("judge_labels", {"judge": "judge <> ''"}),
    )


def _create_worklists() -> None:
    rules = {
        "name": "name <> ''",
        "overlap": "overlap BETWEEN 0 AND 1",
        "repeats": "repeats BETWEEN 0 AND 1",
    }
    op.create_table(
        "worklists",
        id_column(),
        text_column("name", 200),
        flag("blind"),
        flag("teaching"),
        *doubles("overlap repeats"),
        id_column("account_id"),
        moment("created_at"),
        primary_key("worklists", "id"),
        unique("worklists", "name"),
        reference("worklists", "account_id", "accounts.id"),
        *checks("worklists", rules),
    )
    _create_worklist_items()
    _create_worklist_assignments()


def _create_worklist_items() -> None:
    op.create_table(
        "worklist_items",
        id_column(),
        id_column("worklist_id"),
        *integers("position"),
        id_column("slide_id"),
        *integers("x y width height"),
        text_column("question"),
        json_column("options"),
        text_column("task", 200, null=True),
        text_column("reference_answer", null=True),
        id_column("question_id", null=True),
        primary_key("worklist_items", "id"),
        unique("worklist_items", "worklist_id", "position"),
        unique("worklist_items", "question_id"),
        reference("worklist_items", "worklist_id", "worklists.id"),
        reference("worklist_items", "slide_id", "slides.id"),
        reference("worklist_items", "question_id", "questions.id"),
        *checks("worklist_items", {"size": "width > 0 AND height > 0"}),
    )
    create_index("worklist_items", "slide_id")


def _create_worklist_assignments() -> None:
    rules = {
        "round": "round >= 0",
        **FIRST_ANSWER_RULES,
        "skipped": "NOT skipped OR ended_at IS NOT NULL",
    }
    op.create_table(
        "worklist_assignments",
        id_column(),
        id_column("item_id"),
        id_column("rater_id"),
        *integers("round"),
        moment("started_at"),
        text_column("first_answer", null=True),
        *integers("first_confidence", null=True),
        moment("first_answer_at", null=True),
        moment("ended_at", null=True),
        flag("skipped"),
        primary_key("worklist_assignments", "id"),
        unique("worklist_assignments", "item_id", "rater_id", "round"),
        reference("worklist_assignments", "item_id", "worklist_items.id"),
        reference("worklist_assignments", "rater_id", "accounts.id"),
        *checks("worklist_assignments", rules),
    )
    create_index("worklist_assignments", "rater_id", "ended_at")


def _create_comparisons() -> None:
    _create_worklist_questions()
    _create_worklist_pairs()
    rules = {
        "what": "(pair_id IS NULL) <> (question_id IS NULL)",
        "round": "round >= 0",
        "skipped": "NOT skipped OR ended_at IS NOT NULL",
        "voted": "feedback_id IS NULL OR ended_at IS NOT NULL",
    }
    op.create_table(
        "comparisons",
        id_column(),
        id_column("rater_id"),
        id_column("pair_id", null=True),
        id_column("question_id", null=True),
        *integers("round"),
        flag("flipped"),
        moment("started_at"),
        moment("ended_at", null=True),
        flag("skipped"),
        id_column("feedback_id", null=True),
        primary_key("comparisons", "id"),
        unique("comparisons", "pair_id", "rater_id", "round"),
        unique("comparisons", "question_id", "rater_id"),
        reference("comparisons", "rater_id", "accounts.id"),
        reference("comparisons", "pair_id", "worklist_pairs.id"),
        reference("comparisons", "question_id", "questions.id"),
        reference("comparisons", "feedback_id", "feedback.id"),
        *checks("comparisons", rules),
    )
    create_index("comparisons", "rater_id", "ended_at")
    create_index("comparisons", "feedback_id")


def _create_worklist_questions() -> None:
    op.create_table(
        "worklist_questions",
        id_column("question_id"),
        id_column("item_id"),
        primary_key("worklist_questions", "question_id"),
        reference("worklist_questions", "question_id", "questions.id"),
        reference("worklist_questions", "item_id", "worklist_items.id"),
    )
    create_index("worklist_questions", "item_id")


def _create_worklist_pairs() -> None:
    rules = {
        "order": "one_completion_id < other_completion_id",
        "probability": "probability > 0 AND probability <= 1",
    }
    op.create_table(
        "worklist_pairs",
        id_column(),
        id_column("item_id"),
        id_column("one_completion_id"),
        id_column("other_completion_id"),
        text_column("plan", 32),
        *integers("seed"),
        *doubles("probability"),
        moment("created_at"),
        primary_key("worklist_pairs", "id"),
        unique("worklist_pairs", "one_completion_id", "other_completion_id"),
        reference("worklist_pairs", "item_id", "worklist_items.id"),
        reference("worklist_pairs", "one_completion_id", "completions.id"),
        reference("worklist_pairs", "other_completion_id", "completions.id"),
        *checks("worklist_pairs", rules),
    )
    create_index("worklist_pairs", "item_id")
    create_index("worklist_pairs", "other_completion_id")


def _create_withdrawals() -> None:
    op.create_table(
        "withdrawals",
        id_column(),
        moment("at"),
        text_column("kind", 8),
        id_column("subject_id"),
        id_column("account_id"),
        json_column("detail"),
        primary_key("withdrawals", "id"),
        reference("withdrawals", "account_id", "accounts.id"),
        *checks("withdrawals", {"kind": "kind IN ('case', 'rater', 'unjudged')"}),
    )
    create_index("withdrawals", "kind", "subject_id")


def _create_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        moment("at"),
        id_column("account_id", null=True),
        text_column("action", 64),
        text_column("subject", 200),
        json_column("detail"),
        primary_key("audit_entries", "id"),
        sqlite_autoincrement=True,
    )
    create_index("audit_entries", "at")


def _protect_history() -> None:
    """Make these tables append-only, except for withdrawn rows."""
    append_only("audit_entries", [["id"]])
    append_only("consents", [["id"], ["account_id", "licence"]])
    append_only("scale_entries", [["id"]])
    append_only("withdrawals", [["id"]])
    append_only(
        "completions",
        [["id"], ["question_id", "index"]],
        columns=COMPLETION_COLUMNS,
        removable_if=withdrawal_condition("completions"),
    )
    append_only("deletion_checks", [["id"]], removable_if=withdrawal_condition("deletion_checks"))
    append_only(
        "feedback",
        [["id"], ["rater_id", "idempotency_key"], ["supersedes_id"]],
        removable_if=withdrawal_condition("feedback"),
    )
