"""Errors about uploads; the messages can be shown to the sender."""

# ruff: noqa: N818

from __future__ import annotations

from pathviewer.slides.errors import SlideError


class UploadError(SlideError):
    """The upload cannot be accepted."""

    code = "bad_upload"


class UploadNotFound(UploadError):
    """No upload has this id, it was removed after a day, or it belongs to another account."""

    code = "upload_not_found"


class UploadConflict(UploadError):
    """The piece does not begin where the last one ended."""

    code = "upload_offset"


class UploadBeingChecked(UploadError):
    """The upload is complete and being checked; other operations must wait."""

    code = "upload_being_checked"


class UploadTooLarge(UploadError):
    """The file is larger than the settings allow, or than announced."""

    code = "upload_too_large"


class TooManyUploads(UploadError):
    """The account has as many uploads in progress as the settings allow."""

    code = "too_many_uploads"


class UploadsTooLarge(UploadError):
    """The uploads of the account would take more bytes than the settings allow."""

    code = "uploads_too_large"


class UploadTypeRefused(UploadError):
    """The file cannot be a slide by itself."""

    code = "upload_type"


class DiskFull(UploadError):
    """There is no disk space for the upload."""

    code = "disk_full"
