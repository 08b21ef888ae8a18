"""What a spreadsheet spoils, and what only looks like it."""

from __future__ import annotations

import codecs

import pytest

from pathviewer.common.table_text import decode_text, is_spoilt


@pytest.mark.parametrize(
    "value",
    ["1,23E+11", "1.23E+11", "1E+05", "#####", "#NAME?", "#N/A", "#REF!", "#WERT!"],
)
def test_what_a_spreadsheet_spoilt(value: str) -> None:
    assert is_spoilt(value)


@pytest.mark.parametrize(
    "value",
    [
        "S-1",
        "12E4",
        "1E5",
        "2024-E+11",
        "123456789012",
        "1,5",
        "#1",
        "#S12",
        "E+11",
        "",
        "10E+11",
        "1E-12",
        "3e-01",
    ],
)
def test_what_may_well_be_a_name(value: str) -> None:
    assert not is_spoilt(value)


@pytest.mark.parametrize(
    "data",
    [
        "Größe".encode(),
        "Größe".encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + "Größe".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "Größe".encode("utf-16-be"),
    ],
)
def test_texts_are_decoded_by_their_marks(data: bytes) -> None:
    assert decode_text(data) == "Größe"


def test_other_encodings_are_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_text("Größe".encode("cp1252"))
