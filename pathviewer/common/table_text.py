"""Decoding of texts and cells saved by spreadsheets in any locale."""

from __future__ import annotations

import codecs
import re

from pathviewer.common import user_messages

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SPOILT = re.compile(
    r"[+-]?\d(?:[.,]\d+)?E\+\d{2,}"  # 1,23E+11: a number with more digits than the cell shows
    r"|##+|#[A-Z/0]+[!?]|#N/A|#NV",  # a column too narrow; #NAME?, #REF!, #WERT!
    re.IGNORECASE,
)


def decode_text(data: bytes) -> str:
    """Return the text without a byte order mark: UTF-16 if it has such a mark, otherwise UTF-8.

    Excel saves “Unicode text” as UTF-16. Raises UnicodeDecodeError.
    """
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")


def is_spoilt(value: str) -> bool:
    """Return whether a cell holds the displayed form of a value, so that the value itself is lost.

    Two long numbers may both become `1,23E+11`, so such a value cannot identify anything.
    """
    return _SPOILT.fullmatch(value) is not None


def spoilt_sentence(column: str, value: str) -> str:
    """Return why a spoilt value is refused and how to fix the table."""
    return user_messages.value_spoilt_by_spreadsheet(column, value)
