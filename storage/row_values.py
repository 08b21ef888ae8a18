"""Turning rows into frozen values that outlive their transaction."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from storage.tables import Base

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def as_record(kind: type[Record], row: Base) -> Record:
    """The row's columns as a record of a dataclass with fields of the same names."""
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
