"""Remembering that an installation has accounts, for the case that its database gets lost.

Without accounts, anyone at the machine may do everything. An empty database in the place of
one that had accounts must not have that effect.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from storage.private_files import open_private

if TYPE_CHECKING:
    from pathlib import Path

    from pathviewer.settings import Settings

MARKER_NAME = "has-accounts"

ACCOUNTS_LOST = (
    "This installation had accounts, but its database has none: the database was removed or "
    "replaced. Restore a backup, or make an account (python -m pathviewer user add NAME --role "
    f"admin). To go on without accounts, remove the file {MARKER_NAME} from the state folder."
)


def remember_accounts(settings: Settings) -> None:
    """Note in the state folder that there are accounts; a folder that is read-only stays as is."""
    if not settings.public_demo:
        with suppress(OSError):
            open_private(_marker(settings), "ab").close()


def had_accounts(settings: Settings) -> bool:
    """Whether accounts were noted."""
    return not settings.public_demo and _marker(settings).exists()


def _marker(settings: Settings) -> Path:
    return settings.data / MARKER_NAME
