"""What the cases package says to people."""

from __future__ import annotations

# several modules


def fault_in_line(line: int, fault: str) -> str:
    return f"Line {line}: {fault}"


# csv_table.py


def line_not_csv(line: int, problem: str) -> str:
    return f"Line {line} is not CSV ({problem})."


NO_LINES = "The table has no lines below its heading."


def table_too_large(file: str) -> str:
    return f"{file} is larger than 16 MiB, the limit of a case table."


def table_unreadable(file: str, reason: str | None) -> str:
    return f"{file} cannot be read ({reason})."


def table_not_utf8(file: str) -> str:
    return f"{file} is not in UTF-8; save it as “CSV UTF-8”."


def unknown_column(column: str) -> str:
    return (
        f"The column “{column[:40]}” is unknown; use case, slide, organ, specimen, stain, scanner, "
        "reference answer, reference source."
    )


def missing_column(column: str) -> str:
    return f"The table has no column “{column}”."


def column_twice(field: str) -> str:
    return f"The column “{field.replace('_', ' ')}” occurs twice; remove one."


def wrong_cell_count(line: int, cells: int, columns: int) -> str:
    return f"Line {line} has {cells} cells, not {columns}."


def line_without_name(line: int, missing: str) -> str:
    return f"Line {line} names no {missing}."


def value_too_long(line: int, field: str) -> str:
    return f"Line {line}: {field.replace('_', ' ')} is too long."


REFERENCE_ANSWER = "the reference answer"


def reference_differs(first_line: int, second_line: int, field: str) -> str:
    return (
        f"Lines {first_line} and {second_line} give different values of {field.replace('_', ' ')} "
        "for one case; make them equal."
    )


# import_cases.py


def case_withdrawn(line: int, slide: str) -> str:
    return f"Line {line}: the case of {slide} was withdrawn."


def source_without_answer(line: int) -> str:
    return f"Line {line} has a reference source but no answer."


def slide_twice(first_line: int, second_line: int) -> str:
    return f"Lines {first_line} and {second_line} are about the same slide; remove one."
