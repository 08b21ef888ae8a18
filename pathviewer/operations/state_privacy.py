"""Privacy of the state folder: permissions, and file names that may name patients."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pathviewer.settings import Settings
from pathviewer.slides.file_groups import COMPANIONS, Candidate, DicomIndex, candidates_of
from pathviewer.slides.folder_scan import survey_folder
from pathviewer.slides.intake_opener import DirectOpener
from storage.backup import find_sqlite_file
from storage.database import Database
from storage.errors import StorageError
from storage.private_files import (
    find_shared_files,
    make_private,
    make_private_folder,
    system_has_modes,
)
from storage.slides.store import relocate_slide
from storage.slides.uploads import add_upload, mark_arrived
from storage.tables import LOCAL_ACCOUNT_ID

MOST_NAMED_FILES = 3
"""Most files named in a message."""


def private_places(settings: Settings) -> list[Path]:
    """Return folders and files that must be private, without those inside another one."""
    # the demo slide and the viewer's JavaScript are public, even if linked to a shared folder
    folders = [settings.data, settings.content, settings.uploads, settings.blobs, settings.exports]
    every = [*folders, *_database_files(settings)]
    real = {Path(os.path.realpath(path)) for path in every if path.exists()}
    return sorted(path for path in real if real.isdisjoint(path.parents))


def _database_files(settings: Settings) -> Iterator[Path]:
    try:
        file = find_sqlite_file(settings.database)
    except StorageError:
        return
    for ending in ("", "-wal", "-shm"):
        yield file.with_name(f"{file.name}{ending}")


def public_files(settings: Settings) -> list[Path]:
    """Return files and folders of the state that group or others may access."""
    return [path for place in private_places(settings) for path in find_shared_files(place)]


def close_state(settings: Settings) -> None:
    """Remove the permissions of group and others from the state. Raises OSError."""
    for place in private_places(settings):
        make_private(place)


def privacy_sentence(settings: Settings) -> tuple[bool, str]:
    """Return whether the permissions are private, with a sentence that includes the remedy."""
    if not system_has_modes():
        return False, (
            "This system has no POSIX permissions; put the state folder where only the account "
            "that runs the program can read it."
        )
    wider = public_files(settings)
    if not wider:
        return True, "Only its owner can read it."
    names = ", ".join(str(path) for path in islice(wider, MOST_NAMED_FILES))
    more = f" and {len(wider) - MOST_NAMED_FILES} more" if len(wider) > MOST_NAMED_FILES else ""
    return False, (
        f"Other accounts of this machine can access {names}{more}: `doctor --fix` closes them. "
        "If they stay open, the file system has no permissions of its own; mount it "
        "with umask=077 or set PATHVIEWER_DATA to another folder."
    )


def named_uploads(settings: Settings) -> list[Candidate]:
    """Return uploaded slides of earlier versions, which have their uploaders' file names."""
    if not settings.uploads.is_dir():
        return []
    candidates = candidates_of(survey_folder(settings.uploads).files, DicomIndex(DirectOpener()))
    return [one for one in candidates if _has_senders_name(one)]


def _has_senders_name(candidate: Candidate) -> bool:
    first = candidate.members[0]
    return "/" not in first.relative_path and first.path.suffix.lower() not in COMPANIONS


def hide_upload_name(settings: Settings, database: Database, candidate: Candidate) -> None:
    """Move an uploaded slide to a folder named by an id; its name stays in the database.

    Raises OSError or StorageError; the files are then in their old place.
    """
    root = Path(os.path.realpath(settings.uploads))
    upload_id = uuid.uuid4().hex
    folder = root / upload_id
    moved: list[tuple[Path, Path]] = []
    try:
        with database.session() as session:
            first = candidate.members[0]
            name = Path(first.relative_path).name
            add_upload(session, upload_id, LOCAL_ACCOUNT_ID, name, candidate.stamp.size or 1)
            mark_arrived(session, upload_id, upload_id, None)
            make_private_folder(folder)
            for member in candidate.members:
                number = upload_id if member is first else uuid.uuid4().hex
                target = folder / f"{number}{member.path.suffix.lower()}"
                place = (str(root), member.relative_path)
                relocate_slide(session, place, f"{upload_id}/{target.name}", name)
                moved.append((member.path.rename(target), member.path))
    except (OSError, StorageError):
        for target, source in moved:
            target.rename(source)
        if folder.exists():
            folder.rmdir()
        raise
