"""Uploads of slides in pieces."""

from __future__ import annotations

from pathviewer.api.schemas.base import Response
from pathviewer.common.schema import Schema, Text


class UploadRequest(Schema):
    """A file to upload."""

    name: Text
    """Its name, which says the format."""
    size: int
    """Bytes."""


class UploadOut(Response):
    """An upload in progress."""

    upload_id: str
    offset: int
    """Bytes received: where the next piece begins."""
    size: int
    """Bytes announced."""


class UploadBegun(UploadOut):
    """An announced upload."""

    chunk_bytes: int
    """Recommended length of a piece."""


class UploadedSlide(Response):
    """A slide whose upload is complete."""

    slide_id: str
    name: str
