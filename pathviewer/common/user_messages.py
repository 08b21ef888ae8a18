"""What the common package says to people."""

from __future__ import annotations

import errno
from collections.abc import Sequence

# archive.py
ARCHIVE_DAMAGED = "The archive is damaged: pack the file again, or choose it unpacked."


def too_many_entries(most: int) -> str:
    return f"The archive has more than {most} entries: choose one file."


def wrong_contents(contents: str, suffixes: Sequence[str]) -> str:
    return f"The archive has {contents} ending in {' or '.join(suffixes)}: choose one file."


NO_FILE = "no file"


def file_count(count: int) -> str:
    return f"{count} files"


ARCHIVE_ENCRYPTED = "The archive is encrypted or packed in a rare way: choose the file."


def archive_too_large(most_bytes: int) -> str:
    return f"The archive holds more than {most_bytes // 2**20} MiB: export less."


# atomic_folder.py
DISK_REASONS = {
    errno.ENOSPC: "The disk is full: free some space, or choose another --out",
    errno.EDQUOT: "The disk quota is used up: free some space, or choose another --out",
    errno.EFBIG: "A file would exceed the file size limit: choose another --out",
    errno.EACCES: "The folder is not writable: choose another --out",
    errno.EPERM: "The folder is not writable: choose another --out",
    errno.EROFS: "The disk is read-only: choose another --out",
    errno.EEXIST: "One of its parent folders is a file: choose another --out",
    errno.ENOTDIR: "One of its parent folders is a file: choose another --out",
}
"""Reasons and remedies by error number, without a full stop."""


def disk_refusal(reason: str | None) -> str:
    return f"The disk refuses ({reason})"


def folder_not_written(reason: str) -> str:
    return f"{reason}. Nothing was written."


def server_disk_refusal(reason: str) -> str:
    return f"{reason.split(':')[0]}. Tell the server's administrator."


def folder_not_empty(folder: str) -> str:
    return f"The folder {folder} is not empty; choose another --out."


def folder_is_file(name: str) -> str:
    return f"There is a file named {name} already; choose another --out."


# bounded_json.py


def too_many_containers(source: str, most: int) -> str:
    return f"The {source} has more than {most:,} lists and objects: send less at once."


def not_json(source: str) -> str:
    return f"The {source} is not JSON."


def json_too_deep(source: str, most: int) -> str:
    return f"The {source} has lists or objects nested more than {most} deep: send it flatter."


# calendar_days.py


def unknown_time_zone(name: str) -> str:
    return (
        f"“{name[:60]}” is not a time zone that this server knows; write it like Pacific/Auckland, "
        "or UTC."
    )


def date_malformed(text: str) -> str:
    return f"“{text[:40]}” is not a date; write it like 2026-03-31."


def date_out_of_range(text: str, first_year: int, last_year: int) -> str:
    return f"“{text[:40]}” is outside the years {first_year} to {last_year}."


# table_text.py


def value_spoilt_by_spreadsheet(column: str, value: str) -> str:
    return (
        f"the column “{column}” holds “{value[:40]}”, as a spreadsheet shows a number or an error; "
        "what was entered is lost. Format the column as text, enter the value again, and save the "
        "table."
    )


# work_queue.py


def too_much_work_of_account(work: str, limit: int) -> str:
    return (
        f"Your account has {work} in progress, and may have {limit}; wait until one has ended, or "
        "stop one, and try again."
    )


def too_much_work(work: str) -> str:
    return (
        f"The server has {work} in progress, the most that it takes on; try again when one has "
        "ended."
    )


# schema.py
TEXT_NOT_STORABLE = (
    "A text of the request holds a NUL character or half of a surrogate pair: remove it."
)

# validation.py
NO_JSON_OBJECT = "The request must be a JSON object, as in {...}."
