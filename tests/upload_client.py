"""Sending a file to the upload routes."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from pathviewer.settings import Settings


def begin(client: TestClient, content: bytes, name: str = "case.tiff") -> str:
    """Announce a file; the URL to send it to."""
    answer = client.post("/api/uploads", json={"name": name, "size": len(content)})
    assert answer.status_code == 201, answer.text
    return f"/api/uploads/{answer.json()['upload_id']}"


def send(client: TestClient, url: str, piece: bytes, offset: int) -> Any:
    """Send a piece."""
    return client.patch(url, content=piece, headers={"Upload-Offset": str(offset)})


def error_of(response: Any) -> tuple[int, str]:
    """(status, code) of a JSON error."""
    return response.status_code, response.json()["error"]["code"]


def files_in(settings: Settings) -> set[str]:
    """Everything among the uploads, parts included, by name."""
    return {path.name for path in settings.uploads.rglob("*") if path.is_file()}
