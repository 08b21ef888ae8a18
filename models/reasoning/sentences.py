"""Sentence boundaries in models' English and Chinese, with pathology's abbreviations."""

from __future__ import annotations

import re
from collections.abc import Iterator

CLOSERS = "\"'”’」』)）]】*_"
"""Characters allowed between a full stop and the space after it."""

FULL_STOP = re.compile(
    rf"(?P<mark>[.!?…]+)[{re.escape(CLOSERS)}]*(?=\s)|[。！？；]+[”’」』）】*_]*"
)
"""A possible end of a sentence; Chinese ones need no space."""

NEVER_LAST = frozenset((
    "approx", "ca", "cf", "dr", "e.g", "eg", "eq", "eqs", "fig", "figs", "i.e", "ie", "mr", "mrs",
    "ms", "prof", "ref", "refs", "resp", "sect", "tab", "viz", "vs",
))  # fmt: skip
"""Abbreviations that never end a sentence; without their last full stop."""

SELDOM_LAST = frozenset((
    "al", "diam", "dept", "etc", "excl", "hpf", "incl", "mag", "max", "min", "sp", "spp", "var",
    "vol",
))  # fmt: skip
"""Abbreviations that end a sentence only before a capital letter."""

BEFORE_NUMBERS = frozenset(("no", "nos", "p", "pp"))
"""Words that are abbreviations before a number."""

WORD = re.compile(r"[^\s(\[（【“\"'*_]*\Z")
LONGEST_WORD = 40
SHORT = 3
"""Longest unknown word, in letters, taken for an abbreviation before a lower-case letter."""


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, in characters, without the space between them.

    A sentence of punctuation alone joins the previous one; a text without any end is one sentence.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for stop in (*_ends(text), len(text)):
        piece = text[start:stop]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        start = stop
        if left >= right:
            continue
        if spans and not any(map(str.isalnum, text[left:right])):
            spans[-1] = (spans[-1][0], right)
        else:
            spans.append((left, right))
    return spans


def ends_sentence(text: str, stop: int) -> bool:
    """Whether a sentence ends before `stop`, where a number or capital letter follows."""
    before = text[max(0, stop - LONGEST_WORD) : stop].rstrip(CLOSERS)
    if not before or before[-1] not in ".!?…;。！？；":
        return False
    return before[-1] != "." or _word(before[:-1]) not in NEVER_LAST | BEFORE_NUMBERS | SELDOM_LAST


def _ends(text: str) -> Iterator[int]:
    """Ends of all sentences but the last."""
    for match in FULL_STOP.finditer(text):
        mark = match["mark"]
        if mark is None or mark.strip(".…") or _ends_here(text, match.start(), match.end()):
            yield match.end()


def _ends_here(text: str, point: int, stop: int) -> bool:
    """Whether the full stops from `point` on end a sentence; the text continues after `stop`."""
    after = text[stop : stop + LONGEST_WORD].lstrip().lstrip("\"'“‘(（[*_")
    if text.startswith(("..", "…"), point):
        return not after[:1].islower()
    word = _word(text[max(0, point - LONGEST_WORD) : point])
    if word in NEVER_LAST:
        return False
    if word in BEFORE_NUMBERS and after[:1].isdigit():
        return False
    if not after[:1].islower():
        return word not in SELDOM_LAST or not after[:1].isdigit()
    inner_point = "." in word and not word.replace(".", "").isdigit()
    short = len(word) <= SHORT and word.isalpha()
    return not (inner_point or short or word in SELDOM_LAST)


def _word(before: str) -> str:
    """Last word of a text, in lower case."""
    match = WORD.search(before)
    return match[0].casefold() if match else ""
