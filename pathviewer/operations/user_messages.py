"""What the operations package says to people."""

from __future__ import annotations

from datetime import date
from pathlib import Path

# backup.py
DATABASE_IN_THE_WAY = (
    "The state folder has a database already. Stop the program, move the state folder away or set "
    "PATHVIEWER_DATA to another one, and restore again."
)


def uploads_in_the_way(upload: Path) -> str:
    return (
        f"The state folder already has uploaded slides that are not in the backup ({upload}). Set "
        "PATHVIEWER_DATA to another state folder, and restore again."
    )


DATABASE_OF_BACKUP_CHANGED = (
    "The database in the backup has changed since the backup; use another one."
)


def file_missing_in_backup(file: str, reason: str | None) -> str:
    return f"The backup has no {file} ({reason})."


def manifest_missing(folder: str, manifest: str) -> str:
    return f"{folder} is not a backup: it has no {manifest}."


def manifest_without_database(folder: str, manifest: str) -> str:
    return f"{folder} is not a backup: its {manifest} names no database."


# clock_check.py


def clock_ahead(today: date, days: int) -> str:
    return (
        f"Nothing that has expired is removed: the clock says {today}, {days} days after the "
        "newest entry of the database. Set the clock right. If it is right, use the program: a "
        "day later, removal goes on."
    )


# demo_folder.py


def demo_folder_in_use(folder: Path) -> str:
    return (
        f"Another public demo uses {folder} for its visits. Stop it, or give this one its own "
        "folder with --data or PATHVIEWER_DATA."
    )


# restore_check.py


def files_of_backup_unusable(count: int, first: str) -> str:
    return (
        f"{count} files of the backup are missing or damaged, the first is {first[:64]}. Make a "
        "new backup; `doctor` says whether the state folder has them."
    )


def schema_revision_wrong(revision: str, newest: str) -> str:
    return f"The restored database is at schema revision {revision}, not at {newest}."


def row_count_differs(table: str, rows: int, expected: int) -> str:
    return (
        f"The table {table} has {rows} rows after the restore; the backup's manifest says "
        f"{expected}. Take another backup."
    )


UPLOADED_SLIDES_MISSING = "The uploaded slides of the backup are not in the list of slides."

# withdrawal.py
CASE_OR_RATER = "Name either a --case or a --rater."


def no_such_subject(kind: str, name: str | None) -> str:
    return f"There is no {kind} named {name}; nothing was changed."
