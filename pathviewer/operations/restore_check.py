"""`restore --check`: a restore into a temporary folder, with checks of the backup."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from pathviewer.operations import user_messages
from pathviewer.operations.backup import BackupContents, Progress, read_manifest, restore
from pathviewer.operations.errors import UpkeepError
from pathviewer.settings import Settings
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.readers.pool import ReaderPool
from storage.backup import count_rows, find_sqlite_file
from storage.database import Database, open_database
from storage.migrate import newest_revision


def rehearse(folder: Path, progress: Progress = lambda _a, _b: None) -> Iterator[str]:
    """Yield one sentence for each passed check; the data folder is not touched.

    The restored copy is in the system's temporary folder and is removed at the end. Raises
    UpkeepError, StorageError or OSError at the first failed check.
    """
    with tempfile.TemporaryDirectory(prefix="pathviewer-restore-") as name:
        settings = Settings(
            data=Path(name) / "state", slides=(), database_url="", public_demo=False
        )
        restored = restore(settings, folder, progress)
        yield "The database is unchanged since the backup (SHA-256) and passes SQLite's check."
        yield _files(restored)
        database = open_database(settings.database)
        try:
            yield _revision(database, restored.revision)
            yield _rows(find_sqlite_file(settings.database), read_manifest(folder).get("rows"))
            yield _slides(settings, database, restored)
        finally:
            database.close()


def _files(restored: BackupContents) -> str:
    if restored.unusable:
        raise UpkeepError(
            user_messages.files_of_backup_unusable(len(restored.unusable), restored.unusable[0])
        )
    return (
        f"{restored.files} pictures and attention files and {restored.uploads} files of uploaded "
        "slides are present with the right SHA-256."
    )


def _revision(database: Database, before: str) -> str:
    revision = database.revision()
    if revision != newest_revision():
        raise UpkeepError(user_messages.schema_revision_wrong(revision, newest_revision()))
    upgraded = "" if revision == before else f", migrated from {before}"
    return f"The database opens at the newest schema revision, {revision}{upgraded}."


def _rows(restored: Path, expected: Mapping[str, int] | None) -> str:
    """Compare the row counts of tables that the current schema still has."""
    if expected is None:
        return "Rows were not compared: the older version that made this backup did not count them."
    row_counts = count_rows(restored)
    compared = expected.keys() & row_counts.keys()
    for table in sorted(compared):
        if row_counts[table] != expected[table]:
            raise UpkeepError(
                user_messages.row_count_differs(table, row_counts[table], expected[table])
            )
    rows = sum(row_counts[table] for table in compared)
    return f"{rows} rows of {len(compared)} tables match the manifest."


def _slides(settings: Settings, database: Database, restored: BackupContents) -> str:
    """List the slides once in reader processes, as at program start."""
    settings.uploads.mkdir(parents=True, exist_ok=True)
    folders = (settings.uploads,)
    readers = ReaderPool(settings, folders=folders)
    try:
        library = SlideLibrary(folders, database, uploads=settings.uploads, opener=readers)
        library.rescan()
    finally:
        readers.close()
    rejected, opened = library.list_rejected(), library.slides()
    if restored.uploads and not opened and not rejected:
        raise UpkeepError(user_messages.UPLOADED_SLIDES_MISSING)
    listed = f"The list of slides opens; {len(opened)} uploaded slides are in it."
    if not rejected:
        return listed
    return (
        f"{listed} Note: {len(rejected)} more cannot be opened, although their files are "
        f"unchanged; the first reason: {rejected[0].reason}"
    )
