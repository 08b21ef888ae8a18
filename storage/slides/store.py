"""Known slides: the identity of their files, and their aliases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.database import serialise
from storage.errors import RecordNotFoundError
from storage.names import normalize_name
from storage.row_values import as_record
from storage.tables import Slide, Upload, now

_LOCK_NUMBER = 7_860_002
"""PostgreSQL lock that lets one slide be registered at a time."""

_MOST_INSTANCES = 1000
"""Most DICOM files remembered per slide."""


@dataclass(frozen=True)
class SlideRecord:
    """A stored slide."""

    id: str
    """Opaque and stable; follows the file when it is moved or renamed."""

    folder: str
    """Library folder of the file."""

    relative_path: str
    """Path within that folder."""

    quickhash: str | None
    """OpenSlide's fingerprint of the file; None if OpenSlide gives none."""

    alias: str
    """Name shown instead of the file name."""

    file_name: str | None
    """Sender's name for an uploaded file; None if the file has its own name."""

    first_seen_at: datetime
    """When the library first saw the slide, UTC."""

    replaced_at: datetime | None
    """When another slide was found at this location, UTC; None while this one is there."""

    case_id: str | None
    """Its case; None if unknown."""

    organ: str | None
    """Organ; None if unknown, as for the fields below."""

    specimen: str | None
    """Type of specimen."""

    stain: str | None
    """Such as H&E."""

    scanner: str | None
    """Make and model."""


def register_slide(
    session: Session,
    *,
    folder: str,
    relative_path: str,
    quickhash: str | None,
    missing_ids: Collection[str] = (),
    alias: str | None = None,
    instances: Collection[str] = (),
) -> SlideRecord:
    """Return the record of a file's slide; create it if it is new.

    The same location is the same slide, unless both fingerprints are known and differ: then another
    slide replaced it, and feedback and regions of the old one must not pass to it. A file whose
    fingerprint is that of a slide missing from its location (`missing_ids`, or replaced) is that
    slide, moved. Exports of one DICOM series share a fingerprint; they are different slides if none
    of the known files (`instances`, SOPInstanceUIDs) is present. A new slide is named `alias`, or
    `Slide 7` if that is None.
    """
    serialise(session, _LOCK_NUMBER)
    row = _row_at(session, folder, relative_path)
    if row is not None and not _is_same(row, quickhash, instances):
        row.replaced_at = now()
        session.flush()
        row = None
    if row is None:
        row = _find_moved(session, quickhash, instances, missing_ids) or _new_row(session, alias)
        row.folder, row.relative_path, row.replaced_at = folder, relative_path, None
        row.file_name = _name_of_upload(session, relative_path)
    row.quickhash = quickhash or row.quickhash
    row.instances = sorted(instances)[:_MOST_INSTANCES] or row.instances
    session.add(row)
    session.flush()
    return as_record(SlideRecord, row)


def _name_of_upload(session: Session, relative_path: str) -> str | None:
    """Sender's name of a file in an upload folder; None for any other file."""
    upload = session.get(Upload, relative_path.split("/")[0])
    return None if upload is None else upload.file_name


def _row_at(session: Session, folder: str, relative_path: str) -> Slide | None:
    return session.scalar(
        select(Slide).where(
            Slide.folder == folder,
            Slide.relative_path == relative_path,
            Slide.replaced_at.is_(None),
        )
    )


def _is_same(row: Slide, quickhash: str | None, instances: Collection[str]) -> bool:
    """Whether a file may be the row's slide, as far as fingerprint and instances tell."""
    if row.quickhash and quickhash and row.quickhash != quickhash:
        return False
    return not (row.instances and instances) or not set(instances).isdisjoint(row.instances)


def _find_moved(
    session: Session,
    quickhash: str | None,
    instances: Collection[str],
    missing_ids: Collection[str],
) -> Slide | None:
    if quickhash is None:
        return None
    same = select(Slide).where(Slide.quickhash == quickhash).order_by(Slide.first_seen_at)
    rows = session.scalars(same)
    gone = (row for row in rows if row.id in missing_ids or row.replaced_at)
    return next((row for row in gone if _is_same(row, quickhash, instances)), None)


def _new_row(session: Session, alias: str | None) -> Slide:
    number = session.scalar(select(func.count()).select_from(Slide)) or 0
    return Slide(alias=normalize_name(alias or f"Slide {number + 1}"))


def find_slide_record(session: Session, slide_id: str) -> SlideRecord:
    """Record of a slide; raises `RecordNotFoundError`."""
    return as_record(SlideRecord, _row(session, slide_id))


def list_slide_records(session: Session) -> list[SlideRecord]:
    """All slides that have not been replaced, by time first seen."""
    current = select(Slide).where(Slide.replaced_at.is_(None))
    rows = session.scalars(current.order_by(Slide.first_seen_at, Slide.id))
    return [as_record(SlideRecord, row) for row in rows]


def relocate_slide(
    session: Session, place: tuple[str, str], relative_path: str, file_name: str
) -> None:
    """Record that the slide at (folder, relative path), if any, moved to another file there."""
    row = _row_at(session, *place)
    if row is not None:
        row.relative_path, row.file_name = relative_path, file_name
        session.flush()


def rename_slide(session: Session, slide_id: str, alias: str) -> SlideRecord:
    """Change a slide's alias; raises `RecordNotFoundError`, or `ValueError` for a blank alias."""
    if not alias.strip():
        raise ValueError("An alias needs at least one letter.")
    row = _row(session, slide_id)
    row.alias = normalize_name(alias.strip())
    session.flush()
    return as_record(SlideRecord, row)


def _row(session: Session, slide_id: str) -> Slide:
    row = session.get(Slide, slide_id)
    if row is None:
        raise RecordNotFoundError(user_messages.no_slide(slide_id))
    return row
