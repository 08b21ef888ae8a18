"""The HTTP status of the code of every `UserError`, and of errors of storage and models."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from models.errors import ModelError, PromptError
from pathviewer.common.errors import UserError
from storage.errors import StorageError

STATUS: Mapping[str, int] = {
    "access_refused": 400,
    "bad_filter": 400,
    "bad_geojson": 400,
    "bad_json": 400,
    "bad_phantom": 400,
    "bad_region": 400,
    "bad_scale": 400,
    "bad_upload": 400,
    "cases_refused": 400,
    "export_refused": 400,
    "invalid_request": 400,
    "prompt_refused": 400,
    "reading_refused": 400,
    "refused": 400,
    "slide_name_refused": 400,
    "upkeep_refused": 400,
    "worklist_refused": 400,
    "forbidden": 403,
    "reading_forbidden": 403,
    "export_not_found": 404,
    "image_not_found": 404,
    "not_found": 404,
    "reading_not_found": 404,
    "slide_not_found": 404,
    "tile_not_found": 404,
    "upload_not_found": 404,
    "conflict": 409,
    "name_taken": 409,
    "reading_conflict": 409,
    "slide_changed": 409,
    "too_many_regions": 409,
    "upload_being_checked": 409,
    "upload_offset": 409,
    "slide_gone": 410,
    "too_large": 413,
    "upload_too_large": 413,
    "uploads_too_large": 413,
    "upload_type": 415,
    "region_too_slow": 422,
    "slide_ended_reader": 422,
    "slide_too_large": 422,
    "slide_unopenable": 422,
    "slide_unsupported": 422,
    "tile_damaged": 422,
    "too_many_uploads": 429,
    "slide_error": 500,
    "database_gone": 503,
    "file_failed": 503,
    "model_unavailable": 503,
    "no_demo_slide": 503,
    "readers_unavailable": 503,
    "storage_failed": 503,
    "too_busy": 503,
    "too_many_visitors": 503,
    "disk_full": 507,
}
"""Code of an error -> HTTP status."""

RETRY_SECONDS: Mapping[str, int] = {
    "readers_unavailable": 5,
    "storage_failed": 5,
    "too_many_calls": 10,
    "too_many_uploads": 60,
    "upload_being_checked": 2,
}
"""Code of a temporary error -> seconds until a client may retry."""

KnownError = UserError | StorageError | ModelError


def error_code(error: KnownError) -> str:
    """Return the code of an error that may be shown."""
    if isinstance(error, PromptError):
        return "prompt_refused"
    if isinstance(error, ModelError):
        return "model_unavailable"
    return error.code


def error_status(error: KnownError) -> int:
    """Return the HTTP status of an error that may be shown."""
    return STATUS.get(error_code(error), HTTPStatus.INTERNAL_SERVER_ERROR)
