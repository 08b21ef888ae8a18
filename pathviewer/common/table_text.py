"""Texts and cells as spreadsheets of all countries save them."""

from __future__ import annotations

import codecs
import re

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SPOILT = re.compile(
    r"[+-]?\d(?:[.,]\d+)?E\+\d{2,}"  # 1,23E+11 of a number with more digits than a cell shows
    r"|##+|#[A-Z/0]+[!?]|#N/A|#NV",  # a column that is too narrow; #NAME?, #REF!, #WERT!
    re.IGNORECASE,
)


def decode_text(data: bytes) -> str:
    """The text without its byte order mark: UTF-8, or UTF-16 where a mark says so.

    Excel saves “Unicode text” as UTF-16. Raises UnicodeDecodeError.
    """
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")


def is_spoilt(value: str) -> bool:
    """Whether a spreadsheet wrote a cell as it showed it, so that what was entered is lost.

    Two long numbers may both become `1,23E+11`, so such a value can identify nothing.
    """
    return _SPOILT.fullmatch(value) is not None


def spoilt_sentence(column: str, value: str) -> str:
    """Why a spoilt value is refused, and the way out."""
    return (
        f"the column “{column}” holds “{value[:40]}”, as a spreadsheet shows a number or an error; "
        "what was entered is lost. Format the column as text, enter the value again, and save the "
        "table."
    )
