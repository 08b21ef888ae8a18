"""What the export package says to people."""

from __future__ import annotations

from pathviewer.common.plural import format_count

# consensus.py


def no_such_rule(rule: str) -> str:
    return (
        f"“{rule[:40]}” is no rule for several raters; write each, majority or how many must agree."
    )


# jobs.py
INTERNAL_ERROR = "PathViewer made a mistake; its log says which. Try again."

# manifest.py


def key_in_two_splits(key: str, first: str, second: str) -> str:
    return f"{key} is in {first} and in {second}: report this."


ROWS_DIFFER = "The files do not contain the written rows: try again."


def manifest_missing(folder: str, manifest: str) -> str:
    return f"{folder} has no {manifest} of an export."


def files_differ_from_manifest(files: str) -> str:
    return f"{files}: missing from the folder, or not in its manifest."


def file_changed(file: str) -> str:
    return f"{file} differs from the manifest; export again."


def files_of_no_export(folder: str) -> str:
    return f"{folder} has Parquet files that are not an export."


# run.py
NO_FEEDBACK_MATCHES = "No feedback matches; remove a filter, or judge something first."


def no_rows(export_format: str, questions: int, reasons: str) -> str:
    return (
        f"The format {export_format} has no row for {format_count(questions, 'judged question')}"
        f"{f' ({reasons})' if reasons else ''}; choose another format or rule."
    )


# splits.py


def shares_malformed(shares: str) -> str:
    return (
        f"“{shares[:40]}” are no shares of train, validation and test; write three numbers that "
        "add up to 1, the first above 0, as in 0.8,0.1,0.1."
    )
