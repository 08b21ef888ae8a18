"""A filled database of every revision is upgraded, and everything in it is still there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, create_engine, select, text
from sqlalchemy.engine import make_url

from storage.accounts.store import find_account
from storage.audit import list_entries
from storage.database import Database, open_database
from storage.feedback.store import add_feedback
from storage.migrate import MIGRATIONS, upgrade
from storage.questions.store import find_completion, find_question, list_deletion_checks
from storage.slides.regions import list_regions
from storage.slides.scales import list_current_scales
from storage.slides.store import list_slide_records
from tests.long_cases import long_cases
from tests.storage.migration_rows import AT, ROWS, Rows
from tests.storage.reading_rows import verdict

Contents = dict[str, list[dict[str, Any]]]
"""Rows by table."""


def revisions(migrations: Path = MIGRATIONS) -> list[str]:
    """All revisions, the baseline first."""
    scripts = ScriptDirectory(str(migrations)).walk_revisions()
    return [script.revision for script in scripts][::-1]


def filled_database(
    url: str, rows: Mapping[str, Rows], revision: str, migrations: Path = MIGRATIONS
) -> Engine:
    """A database of a revision, upgraded step by step, with the rows that each step adds."""
    if url.startswith("sqlite"):
        Path(make_url(url).database or "").parent.mkdir()
    engine = create_engine(url)
    steps = revisions(migrations)
    for step in steps[: steps.index(revision) + 1]:
        with engine.begin() as connection:
            upgrade(connection, step, migrations)
        insert_rows(engine, rows.get(step, {}))
    return engine


def insert_rows(engine: Engine, rows: Rows) -> None:
    """Insert them into the tables as the database has them, not as the code does."""
    tables = reflected(engine).tables
    with engine.begin() as connection:
        for table, values in rows.items():
            for row in values:
                connection.execute(tables[table].insert(), row)


def reflected(engine: Engine) -> MetaData:
    """The tables as the database has them."""
    metadata = MetaData()
    metadata.reflect(engine)
    return metadata


def read_contents(engine: Engine) -> Contents:
    """Every row of every table, but the revision."""
    tables = reflected(engine).tables.values()
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in tables
            if table.name != "alembic_version"
        }


def find_gaps(engine: Engine) -> list[str]:
    """Tables without a row, and columns without a value in any row."""
    gaps = []
    for table, rows in read_contents(engine).items():
        if not rows:
            gaps.append(table)
            continue
        columns = (f"{table}.{name}" for name in rows[0] if all(row[name] is None for row in rows))
        gaps.extend(columns)
    return sorted(gaps)


def find_losses(before: Contents, after: Contents) -> list[str]:
    """Tables of rows that an upgrade removed, changed, or took a column from."""
    return [
        table
        for table, rows in before.items()
        for row in rows
        if not any(row.items() <= other.items() for other in after.get(table, []))
    ]


@pytest.mark.parametrize("revision", revisions())
def test_an_upgrade_keeps_every_row(empty_url: str, revision: str) -> None:
    engine = filled_database(empty_url, ROWS, revision)
    before = read_contents(engine)
    open_database(empty_url).close()
    assert find_losses(before, read_contents(engine)) == []
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()


@pytest.mark.parametrize("revision", revisions())
def test_the_program_reads_and_writes_an_upgraded_database(empty_url: str, revision: str) -> None:
    filled_database(empty_url, ROWS, revision).dispose()
    database = open_database(empty_url)
    with database.session() as session:
        account = find_account(session, "ada")
        assert account is not None and not account.disabled
        (slide,) = list_slide_records(session)
        assert (slide.alias, slide.first_seen_at) == ("Lung", AT)
        entered = list_current_scales(session)["s1"]
        assert (entered.mpp_x, entered.account_name, entered.entered_at) == (0.25, "ada", AT)
        (region,) = list_regions(session, "s1", "a1")
        assert region.points == ((1, 2.5), (3, 4), (5, 0))
        assert [entry.detail for entry in list_entries(session)] == [{"a": 1}]
        assert find_question(session, "g1").context == {"organ": "lung"}
        assert find_completion(session, "c1").token_ends == [16]
        old = next(one for one in list_deletion_checks(session, ["c1"]) if one.id == "d1")
        assert (old.fill, old.version, old.controls) == ("grey", 1, None)
        add_feedback(session, "a1", verdict("c2", "k9"))
    database.close()


def test_every_table_and_column_has_a_value(empty_url: str) -> None:
    engine = filled_database(empty_url, ROWS, revisions()[-1])
    assert find_gaps(engine) == []
    engine.dispose()


def test_every_revision_has_an_entry(sqlite_database: Database) -> None:
    assert revisions()[-1] == sqlite_database.revision()
    assert list(ROWS) == revisions()


# What the tests above find in a revision, shown with one that is thrown away

ADDITIONS = """op.add_column("slides", sa.Column("thickness", sa.Double))
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))"""
ADDED_ROWS: Rows = {
    "slides": [
        {"id": "s3", "folder": "f", "relative_path": "c.svs", "alias": "Skin"}
        | {"first_seen_at": AT, "thickness": 4.0}
    ],
    "notes": [{"id": 1}],
}
LOSSES = [
    ('op.drop_column("slides", "organ")', "slides"),
    ('op.drop_table("tokens")', "tokens"),
    ('op.execute("DELETE FROM sessions")', "sessions"),
    ("op.execute(\"UPDATE accounts SET role = 'viewer'\")", "accounts"),
]
"""Statements of a revision, and the table whose rows they change or remove."""
AddRevision = Callable[[str], Path]
"""From the statements of a revision's upgrade to a folder of migrations that ends with it."""


@pytest.fixture
def add_revision(tmp_path: Path) -> AddRevision:
    """Adds a revision to a copy of the migrations."""

    def add(statements: str) -> Path:
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "9999_thrown_away.py").write_text(
            '"""Thrown away."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
            f'revision = "thrown_away"\ndown_revision = "{revisions()[-1]}"\n\n\n'
            f'def upgrade() -> None:\n    """To this revision."""\n    {statements}\n'
        )
        return folder

    return add


def test_a_revision_that_only_adds_keeps_every_row(
    empty_url: str, add_revision: AddRevision
) -> None:
    migrations = add_revision(ADDITIONS)
    engine = filled_database(empty_url, ROWS, revisions()[-1])
    before = read_contents(engine)
    with engine.begin() as connection:
        upgrade(connection, migrations=migrations)
    assert find_losses(before, read_contents(engine)) == []
    engine.dispose()


def test_a_revision_without_rows_is_noticed(empty_url: str, add_revision: AddRevision) -> None:
    engine = filled_database(empty_url, ROWS, "thrown_away", add_revision(ADDITIONS))
    assert find_gaps(engine) == ["notes", "slides.thickness"]
    insert_rows(engine, {"notes": ADDED_ROWS["notes"]})
    assert find_gaps(engine) == ["slides.thickness"]
    engine.dispose()


def test_a_revision_needs_only_its_rows(empty_url: str, add_revision: AddRevision) -> None:
    rows = ROWS | {"thrown_away": ADDED_ROWS}
    engine = filled_database(empty_url, rows, "thrown_away", add_revision(ADDITIONS))
    assert find_gaps(engine) == []
    engine.dispose()


@pytest.mark.parametrize(("statements", "table"), [*LOSSES[:1], *long_cases(*LOSSES[1:])])
def test_a_revision_that_loses_something_is_noticed(
    empty_url: str, add_revision: AddRevision, statements: str, table: str
) -> None:
    migrations = add_revision(statements)
    engine = filled_database(empty_url, ROWS, revisions()[-1])
    before = read_contents(engine)
    with engine.begin() as connection:
        upgrade(connection, migrations=migrations)
    assert set(find_losses(before, read_contents(engine))) == {table}
    engine.dispose()
