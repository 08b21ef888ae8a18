"""A marker file that an installation has accounts, in case its database is lost.

Without accounts anyone at the machine has all rights. An empty database in place of one with
accounts must not grant them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from storage.private_files import open_private

if TYPE_CHECKING:
    from pathlib import Path

    from pathviewer.settings import Settings

MARKER_NAME = "has-accounts"


def remember_accounts(settings: Settings) -> None:
    """Create the marker in the state folder; a read-only folder is left unchanged."""
    if not settings.public_demo:
        with suppress(OSError):
            open_private(_marker(settings), "ab").close()


def had_accounts(settings: Settings) -> bool:
    """Return whether the marker exists."""
    return not settings.public_demo and _marker(settings).exists()


def _marker(settings: Settings) -> Path:
    return settings.data / MARKER_NAME
