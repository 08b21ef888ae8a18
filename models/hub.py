"""Local cache of the Hugging Face hub, and downloads into it on request."""

from __future__ import annotations

import errno
from pathlib import Path

from models import user_messages
from models.errors import CheckpointError, UnknownModelError

SNAPSHOT_PATTERNS = (
    "*.json",
    "*.safetensors",
    "*.jinja",
    "*.txt",
    "pathviewer.toml",
    "LICENSE*",
    "README.md",
)
"""Files fetched from the hub; pickled weights and code are not."""
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a full disk or quota."""


def is_hub_id(name: str) -> bool:
    """Whether the name could be a hub id, `OWNER/NAME`."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return name.count("/") == 1


def find_cached_folder(hub_id: str, cache_folder: Path | None) -> Path | None:
    """Folder of a model in the hub's cache; None if it is not there. Uses no network.

    `cache_folder` None means huggingface_hub's default.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            hub_id,
            cache_dir=cache_folder,
            local_files_only=True,
            allow_patterns=list(SNAPSHOT_PATTERNS),
        )
    except LocalEntryNotFoundError:
        return None
    return Path(folder)


def download(hub_id: str, cache_folder: Path | None, *, gated_sentence: str) -> Path:
    """Fetch a snapshot into the cache; each failure has its own message.

    `gated_sentence` is the message if the hub requires an agreement first. Raises UnknownModelError
    if the hub has no such model, CheckpointError if it cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        folder = snapshot_download(
            hub_id, cache_dir=cache_folder, allow_patterns=list(SNAPSHOT_PATTERNS)
        )
    except GatedRepoError as error:
        raise CheckpointError(gated_sentence) from error
    except RepositoryNotFoundError as error:
        raise UnknownModelError(user_messages.not_on_hub(hub_id)) from error
    except (LocalEntryNotFoundError, ConnectionError) as error:
        raise CheckpointError(user_messages.hub_unreachable(hub_id)) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        disk_full = error.errno in DISK_FULL_ERRORS
        message = user_messages.fetch_incomplete(hub_id, reason, disk_full=disk_full)
        raise CheckpointError(message) from error
    return Path(folder)
