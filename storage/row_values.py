"""Conversion of rows into immutable records that outlive their transaction."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from storage.tables import Base

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def as_record(kind: type[Record], row: Base) -> Record:
    """Convert a row to a record of a dataclass with the same field names."""
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
