"""Splitting reasoning into steps: numbered items, bullets, paragraphs, or else sentences.

The splits are causal: the end of a block depends only on what precedes it and on the next
`LOOK_AHEAD` characters, so a step that is final in a stream never changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.reasoning.sentences import ends_sentence, sentences

DIGITS = "一二三四五六七八九十"
MARKER = re.compile(
    rf"""
    (?P<title>\#{{1,6}}[ \t]{{1,3}})?(?:\*\*|__)?
    (?:
      (?P<step>(?i:step)[ \t]?\d{{1,3}}\b
        |步骤[ \t]?(?:\d{{1,3}}|[{DIGITS}]{{1,3}})|第(?:\d{{1,3}}|[{DIGITS}]{{1,3}})步)
      (?:\*\*|__)?[:.：、)]?(?:\*\*|__)?
     |(?P<item>\(?\d{{1,2}}(?:\*\*|__)?[.)](?:\*\*|__)?(?=\s|[^\W\d]|\*)
        |\d{{1,2}}[、．]|（\d{{1,2}}）|[①-⑳]|[{DIGITS}]{{1,3}}、)
     |(?P<bullet>[-*+•●▪◦–—·](?=\s)|\(?[A-Ha-h]\)(?=\s)|[A-H]\.(?=[ \t]{{1,3}}[A-Z*]))
    )
    """,
    re.VERBOSE,
)
"""Possible marker of a step at the start of a line."""

MARKER_SIGNS = "*_:.：、) \t"
"""Characters that a marker may end with; until another one follows, the marker may still grow."""

LOOK_AHEAD = 32
"""Characters of a line after which it is certain whether it begins with a marker."""

TITLE = re.compile(r"#{1,6}\s.*|(?:\*\*|__)[^*_]+(?:\*\*|__)[:：]?|.*[:：][*_]{0,2}")
"""A line that only introduces what follows: a heading, bold words, or words up to a colon."""

LONGEST_TITLE = 120
HEADING = re.compile(r"#{1,6}\s")
AFTER_STOP = re.compile(r"(?P<mark>[.!?;…][\"'”’)*_]*)\s+|(?P<wide>[。！？；][”’」』）*_]*)\s*")
"""Text before a number that continues a list within a line."""

STEP, ITEM, BULLET, PARAGRAPH = 3, 2, 1, 0
"""Ranks of blocks; a marker of lower rank stays inside the block that contains it."""


@dataclass(frozen=True)
class StepSpan:
    """A step within its part of the text."""

    start: int
    """First character."""
    stop: int
    """One past the last character."""
    body_start: int
    """First character after the step's own number or bullet."""
    final: bool
    """Whether more text cannot change it."""


@dataclass
class _Block:
    """An unfinished step; offsets as in `StepSpan`."""

    start: int
    stop: int
    body_start: int
    rank: int = PARAGRAPH
    number: int | None = None
    indent: int = 0


def cut_steps(text: str, *, closed: bool) -> list[StepSpan]:
    """Split a part of the reasoning into steps, in order; spans are characters of `text`, trimmed.

    `closed` means that no more text can follow. Blocks without a letter or digit are left out.
    """
    blocks = [block for block in _blocks(text) if _says_something(text, block)]
    if len(blocks) == 1 and blocks[0].rank == PARAGRAPH:
        start = blocks[0].start
        spans = sentences(text[start : blocks[0].stop])
        return [
            StepSpan(start + left, start + right, start + left, closed) for left, right in spans
        ]
    unsure = len(text) if closed else _unsure_from(text)
    cuts = []
    for index, block in enumerate(blocks):
        ended = index + 1 < len(blocks) and blocks[index + 1].start < unsure
        cuts.append(StepSpan(block.start, block.stop, block.body_start, closed or ended))
    return cuts


def _says_something(text: str, block: _Block) -> bool:
    """Whether a block has a letter or digit and is more than a rule or asterisks."""
    return any(map(str.isalnum, text[block.start : block.stop]))


def _unsure_from(text: str) -> int:
    """Start of the last line if it may still turn out to begin with a marker, else the end."""
    start = text.rfind("\n") + 1
    return start if len(text[start:].lstrip()) < LOOK_AHEAD else len(text)


def _blocks(text: str) -> list[_Block]:
    """Blocks of a text, split by lines and by numbers within lines."""
    blocks: list[_Block] = []
    blank = False
    place = 0
    for line in text.split("\n"):
        bare = line.strip()
        if bare:
            indent = len(line) - len(line.lstrip())
            start = place + indent
            _take_line(text, blocks, (start, start + len(bare)), indent=indent, blank=blank)
        blank = not bare
        place += len(line) + 1
    return blocks


def _take_line(
    text: str, blocks: list[_Block], span: tuple[int, int], *, indent: int, blank: bool
) -> None:
    """Add a line to the last block or start one; `blank` means that an empty line precedes it."""
    start, stop = span
    marker = MARKER.match(text, start)
    new = _Block(start, stop, start, indent=indent)
    if marker:
        new = _Block(start, stop, marker.end(), _rank(marker), _number(marker), indent)
    last = blocks[-1] if blocks else None
    heading = HEADING.match(text, start) is not None
    if last is None or _parts(text, last, new, heading=heading, blank=blank):
        blocks.append(new)
    else:
        last.stop = stop
        if last.rank == PARAGRAPH and marker:
            last.rank, last.number, last.indent = new.rank, new.number, indent
    _cut_line(text, blocks, max(start, new.body_start), stop)


def _parts(text: str, last: _Block, new: _Block, *, heading: bool, blank: bool) -> bool:
    """Whether a new line starts a block of its own."""
    if not _says_something(text, last):
        return True
    announced = _announces(text, last, blank=blank)
    if last.rank == PARAGRAPH:
        if announced:
            return False
        ended = text[: last.stop].rstrip("\"'”’」』)）]】*_")[-1:] in {*".!?…;。！？；"}
        return bool(new.rank) or heading or blank or ended
    if heading:
        return True
    if new.rank:
        return new.rank > last.rank or (new.rank == last.rank and new.indent <= last.indent + 1)
    return last.rank != STEP and blank and new.indent <= last.indent and not announced


def _announces(text: str, block: _Block, *, blank: bool) -> bool:
    """Whether a block is only the title of what follows it."""
    block_text = text[block.start : block.stop]
    if "\n" in block_text or len(block_text) > LONGEST_TITLE:
        return False
    body = text[block.body_start : block.stop].strip()
    if not body or TITLE.fullmatch(block_text) or TITLE.fullmatch(body):
        return True
    return block.rank >= ITEM and blank and body[-1] not in ".!?…;。！？；"


def _cut_line(text: str, blocks: list[_Block], start: int, stop: int) -> None:
    """Split the last block where its list continues within the line, as in `1. low. 2. high.`"""
    for match in AFTER_STOP.finditer(text, start, stop):
        last = blocks[-1]
        marker = MARKER.match(text, match.end())
        if marker is None or last.number is None:
            continue
        if not text[marker.end() : stop].strip(MARKER_SIGNS):
            continue  # a number alone, or one whose marker may still grow
        follows = _number(marker) == last.number + 1 and _rank(marker) == last.rank
        end = match.end("mark") if match["mark"] else match.end("wide")
        if follows and ends_sentence(text, end):
            last.stop = end
            blocks.append(
                _Block(match.end(), stop, marker.end(), last.rank, _number(marker), last.indent)
            )


def _rank(marker: re.Match[str]) -> int:
    """Rank of a marker."""
    if marker["step"]:
        return STEP
    return ITEM if marker["item"] else BULLET


def _number(marker: re.Match[str]) -> int | None:
    """Number in a marker; None for a bullet."""
    number_text = marker["step"] or marker["item"] or ""
    digits = re.search(r"\d+", number_text, re.ASCII)
    if digits:
        return int(digits[0])
    for sign in number_text:
        if sign in DIGITS:
            return DIGITS.index(sign) + 1
        if "①" <= sign <= "⑳":
            return ord(sign) - ord("①") + 1
    return None
