"""Uploads: pending files, and the locations of those that arrived."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage import user_messages
from storage.errors import RecordNotFoundError
from storage.row_values import as_record
from storage.tables import Account, Upload, now


@dataclass(frozen=True)
class UploadRecord:
    """A stored upload."""

    id: str
    """Random, 32 hexadecimal digits."""

    account_id: str
    """Account that sends it."""

    file_name: str
    """Sender's name of the file; stored nowhere else, because it may name a patient."""

    byte_count: int
    """Announced size in bytes."""

    folder_id: str
    """Upload folder of the file: the id of this upload, or of the upload with the same DICOM
    series.
    """

    series: str | None
    """SeriesInstanceUID; None while pending and for files other than DICOM."""

    begun_at: datetime
    """When it was announced, UTC."""

    arrived_at: datetime | None
    """When it became a slide, UTC; None while it is pending."""


@dataclass(frozen=True)
class UploadUsage:
    """An account's use of its upload limits."""

    pending: int
    """Uploads that have not arrived."""

    byte_count: int
    """Announced bytes of all its uploads, pending or arrived."""


def add_upload(
    session: Session, upload_id: str, account_id: str, file_name: str, byte_count: int
) -> UploadRecord:
    """Store an announced upload."""
    row = Upload(
        id=upload_id,
        account_id=account_id,
        file_name=file_name,
        byte_count=byte_count,
        folder_id=upload_id,
    )
    session.add(row)
    session.flush()
    return as_record(UploadRecord, row)


def lock_announcements(session: Session, account_id: str) -> None:
    """Block other announcements of an account until the transaction ends."""
    session.get(Account, account_id, with_for_update=True)


def upload_usage(session: Session, account_id: str) -> UploadUsage:
    """An account's use of its upload limits."""
    own = select(func.count(), func.sum(Upload.byte_count)).where(Upload.account_id == account_id)
    pending = session.execute(own.where(Upload.arrived_at.is_(None))).one()
    arrived = session.execute(own.where(Upload.arrived_at.is_not(None))).one()
    return UploadUsage(int(pending[0]), int(pending[1] or 0) + int(arrived[1] or 0))


def find_upload(session: Session, upload_id: str, account_id: str) -> UploadRecord | None:
    """An account's upload with this id; None if there is none."""
    row = session.get(Upload, upload_id)
    if row is None or row.account_id != account_id:
        return None
    return as_record(UploadRecord, row)


def list_uploads(session: Session, account_id: str, *, arrived: bool) -> list[UploadRecord]:
    """An account's pending or arrived uploads, oldest first."""
    state = Upload.arrived_at.is_not(None) if arrived else Upload.arrived_at.is_(None)
    own = select(Upload).where(Upload.account_id == account_id, state).order_by(Upload.begun_at)
    return [as_record(UploadRecord, row) for row in session.scalars(own)]


def list_pending_before(session: Session, moment: datetime) -> list[UploadRecord]:
    """Pending uploads of all accounts announced before a time."""
    old = select(Upload).where(Upload.arrived_at.is_(None), Upload.begun_at < moment)
    return [as_record(UploadRecord, row) for row in session.scalars(old)]


def list_series_folders(session: Session, account_id: str, series: str, limit: int) -> list[str]:
    """Folders of an account's uploads with this SeriesInstanceUID, newest first."""
    same = select(Upload.folder_id).where(Upload.account_id == account_id, Upload.series == series)
    newest = func.max(Upload.begun_at).desc()
    return list(session.scalars(same.group_by(Upload.folder_id).order_by(newest).limit(limit)))


def mark_arrived(session: Session, upload_id: str, folder_id: str, series: str | None) -> None:
    """Record an upload's location; raises `RecordNotFoundError`."""
    row = session.get(Upload, upload_id)
    if row is None:
        raise RecordNotFoundError(user_messages.no_upload(upload_id))
    row.folder_id, row.series = folder_id, series
    row.arrived_at = row.arrived_at or now()
    session.flush()


def remove_uploads(session: Session, upload_ids: Collection[str]) -> None:
    """Delete the rows of uploads whose files are gone."""
    session.execute(delete(Upload).where(Upload.id.in_(upload_ids)))


def remove_uploads_in(session: Session, folder_id: str) -> None:
    """Delete the rows of uploads in a folder, including their senders' file names."""
    session.execute(delete(Upload).where(Upload.folder_id == folder_id))
