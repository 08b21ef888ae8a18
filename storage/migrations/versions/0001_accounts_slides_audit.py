"""Accounts, sessions, tokens, slides, regions and the audit log."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """To this revision."""
    _create_accounts()
    _create_sessions_and_tokens()
    _create_slides()
    _create_regions()
    _create_audit()


def _create_accounts() -> None:
    accounts = op.create_table(
        "accounts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(256)),
        sa.Column("issuer", sa.String(512)),
        sa.Column("subject", sa.String(255)),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.UniqueConstraint("issuer", "subject", name="uq_accounts_issuer_subject"),
        sa.CheckConstraint(
            "role IN ('admin', 'researcher', 'clinician', 'viewer')",
            name=op.f("ck_accounts_role"),
        ),
        sa.CheckConstraint("name <> '' AND name = lower(name)", name=op.f("ck_accounts_name")),
        sa.CheckConstraint(
            "(issuer IS NULL) = (subject IS NULL)", name=op.f("ck_accounts_issuer_subject")
        ),
    )
    local = {"id": "local", "name": "local", "role": "admin", "disabled": False}
    op.bulk_insert(accounts, [{**local, "created_at": datetime.now(UTC)}])


def _create_sessions_and_tokens() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tokens_account_id"),
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])


def _create_slides() -> None:
    op.create_table(
        "slides",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("relative_path", sa.Text, nullable=False),
        sa.Column("quickhash", sa.String(128)),
        sa.Column("alias", sa.String(200), nullable=False),
        sa.Column("mpp_by_hand", sa.Double),
        sa.Column("mpp_by_hand_account_id", sa.String(36)),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("replaced_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_slides"),
        sa.ForeignKeyConstraint(
            ["mpp_by_hand_account_id"], ["accounts.id"], name="fk_slides_mpp_by_hand_account_id"
        ),
        sa.CheckConstraint("mpp_by_hand > 0", name=op.f("ck_slides_mpp_by_hand")),
        sa.CheckConstraint("alias <> ''", name=op.f("ck_slides_alias")),
    )
    op.create_index("ix_slides_quickhash", "slides", ["quickhash"])
    op.create_index(
        "uq_slides_location",
        "slides",
        ["folder", "relative_path"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )


def _create_regions() -> None:
    op.create_table(
        "regions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("slide_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("shape", sa.String(16), nullable=False),
        sa.Column("points", sa.JSON, nullable=False),
        *(sa.Column(side, sa.Integer, nullable=False) for side in ("x", "y", "width", "height")),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_regions"),
        sa.ForeignKeyConstraint(["slide_id"], ["slides.id"], name="fk_regions_slide_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_regions_account_id"),
        sa.CheckConstraint("shape IN ('rectangle', 'polygon')", name=op.f("ck_regions_shape")),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_regions_size")),
    )
    op.create_index("ix_regions_slide_id_account_id", "regions", ["slide_id", "account_id"])


def _create_audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("account_id", sa.String(36)),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        _protect_audit_on_postgresql()
    else:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entries_no_{change.lower()} BEFORE {change} "
                "ON audit_entries BEGIN "
                "SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )


def _protect_audit_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )
