"""What the storage package says to people."""

from __future__ import annotations


# accounts
def name_taken(name: str) -> str:
    return f"There is an account named {name} already; choose another name."


def name_taken_meanwhile(name: str) -> str:
    """Another process took the name between the check and the write."""
    return f"There is an account named {name} already."


def no_account(account_id: str) -> str:
    return f"There is no account with the id {account_id}."


def no_token(token_id: str) -> str:
    return f"There is no valid token with the id {token_id}; `user list` shows the tokens."


# backup
BACKUP_DAMAGED = "The database in the backup is damaged; take another backup."
NO_DATABASE = "There is no database yet; nothing to back up."
NOT_SQLITE = (
    "The database is not a SQLite file. Back it up and restore it with its own tools, such "
    "as pg_dump and pg_restore, and copy the folder blobs of the data folder with it."
)


def copy_failed(reason: str) -> str:
    return f"The database cannot be copied ({reason}). Nothing was saved."


def backup_unreadable(reason: str) -> str:
    return f"The backup contains no PathViewer database ({reason})."


def rows_uncountable(reason: str) -> str:
    return f"The rows of the copy cannot be counted ({reason})."


# blinding
BLINDING_REFUSALS = {
    "not_theirs": "There is no such question, or it is not yours.",
    "own_answer_missing": "The model's answer is hidden until the first answer; give that first.",
    "author_answer_missing": (
        "The model's answer is hidden until the person who asked has given their own; wait for it."
    ),
    "vote_missing": "The model's name is hidden until you have voted on its pair; vote first.",
    "pair_open": "You have a pair of these answers open; vote on it, and the rest is shown.",
    "feedback_missing": (
        "Judge it first; others' feedback and the reference answer are shown after that."
    ),
    "repeat_open": "You judge this again; your earlier feedback is shown after the new one.",
}
"""By the name of the policy's reason."""


# blobs
DATA_DISK_FULL = "The disk of the data folder is full. Nothing was saved; free some space."


def blob_missing(name: str) -> str:
    return f"The file {name} is missing; restore it from a backup."


def blob_damaged(name: str) -> str:
    return f"The file {name} is damaged; restore it from a backup."


def data_file_failed(reason: str | None) -> str:
    return (
        f"A file of the data folder cannot be read or written ({reason}). Ask the "
        "administrator to check the folder's permissions and disk."
    )


# comparisons
COMPARISON_SKIPPED = "You skipped this pair; continue with the next one."
COMPARISON_VOTED = "You have voted on this pair already."
NO_COMPARISON = "There is no such comparison assigned to you."
NO_VOTE_TO_UNDO = "There is no vote on this pair to undo."
PAIRS_DRAWN_ONCE = "The list already has its pairs, which are drawn once."
VOTE_ALREADY_STORED = "You voted on this pair; undo the vote to change it."


def answers_not_comparable(worklist_name: str) -> str:
    return (
        f"{worklist_name} already has its pairs, which are drawn once: further answers "
        "could not be compared. To compare them, import the items again as another list."
    )


def no_pair(pair_id: str) -> str:
    return f"There is no pair {pair_id!r}."


# database
NOT_DATABASE_URL = (
    "PATHVIEWER_DATABASE_URL is not a database URL; write it like "
    "sqlite:////var/lib/pathviewer/pathviewer.sqlite3 or "
    "postgresql+psycopg://user:password@host/name."
)


def database_failed(sentence: str, address: str) -> str:
    return f"{sentence} The database is {address}."


def database_not_created(address: str, reason: str | None) -> str:
    return (
        f"The database {address} cannot be created: {reason}. Choose another place by "
        "PATHVIEWER_DATA or PATHVIEWER_DATABASE_URL."
    )


# database_file
DATABASE_GONE = (
    "The database file was removed or replaced while the program was running. Nothing was saved; "
    "put the file back or restore a backup, and start the program again."
)

# errors
DATABASE_ERRORS = {
    "SQLITE_BUSY": "The database is busy with other work. Nothing was saved; try again.",
    "SQLITE_LOCKED": "The database is busy with other work. Nothing was saved; try again.",
    "SQLITE_READONLY": "The database may not be written to. Nothing was saved; ask the "
    "administrator to check the permissions of the data folder.",
    "SQLITE_FULL": "The disk of the database is full. Nothing was saved; free some space and "
    "try again.",
    "SQLITE_IOERR": "The disk of the database reports an error. Nothing was saved; ask the "
    "administrator to check it.",
    "SQLITE_CANTOPEN": "The database file cannot be opened. Check that its folder exists and "
    "may be written to.",
    "SQLITE_NOTADB": "The database file is not a database. Move it away or restore a backup.",
    "SQLITE_CORRUPT": "The database file is damaged. Restore a backup.",
    "SQLITE_CONSTRAINT": "The database refused a value that breaks one of its rules. "
    "Nothing was saved.",
}
"""Sentences by the name of SQLite's primary error code."""
OTHER_DATABASE_ERROR = (
    "The database cannot be reached or refused the work. Nothing was saved; try again, and ask "
    "the administrator if that does not help."
)

# feedback
KEY_REUSED = "Something else was saved under this key; take a new key for each submission."


# migrate
def newer_schema(revision: str, newest: str | None) -> str:
    return (
        f"The database is at schema revision {revision}, which this version does not know "
        f"(it knows up to {newest}). Install the newer version again or restore a backup."
    )


def schema_of_0_1_0(revision: str) -> str:
    return (
        f"The database is of version 0.1.0 (schema revision {revision}), which this version "
        "cannot upgrade. Nothing in it was changed. Start with an empty state folder "
        "(PATHVIEWER_DATA, and PATHVIEWER_DATABASE_URL if it is set), or go on with 0.1.0 and "
        "export there."
    )


def newer_backup(revision: str, newest: str | None) -> str:
    return (
        f"The backup is at schema revision {revision}, which this version does not know (it "
        f"knows up to {newest}). Install the version that wrote it."
    )


# private_files
def folder_is_file(name: str) -> str:
    return f"{name} is a file."


# questions
FIRST_ANSWER_FINAL = "Your answer is already stored and cannot be changed."
QUESTION_INTERRUPTED = "PathViewer was closed while the model was answering. Ask again."
"""Failure of a question that an earlier run of the program left unfinished."""


def completion_stored(index: int, question_id: str) -> str:
    return f"Completion {index} of the question {question_id} is already stored."


def no_completion(completion_id: str) -> str:
    return f"There is no completion with the id {completion_id!r}."


def no_question(question_id: str) -> str:
    return f"There is no question with the id {question_id!r}."


# slides
def no_region(region_id: str) -> str:
    return f"There is no region {region_id!r} of yours on this slide: reload the list."


def no_slide(slide_id: str) -> str:
    return f"There is no slide with the id {slide_id}."


def no_upload(upload_id: str) -> str:
    return f"There is no upload with the id {upload_id}."


# worklists
ITEM_ALREADY_GENERATED = "The item already has its answers, or it no longer exists."
RATING_MISSING = "Nothing is rated yet; rate an answer or skip the item."


def no_worklist(key: str) -> str:
    """`key` is an id or a name."""
    return f"There is no worklist {key!r}; `worklist list` shows all."


def no_worklist_item(item_id: str) -> str:
    return f"There is no worklist item {item_id!r}."


def worklist_name_taken(name: str) -> str:
    return f"The worklist {name} was already imported; choose another name."
