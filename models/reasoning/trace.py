"""Parser of a completion into a reasoning trace: steps, answer and format problems.

All code that reads traces uses it. It accepts any text, complete or streaming, covers every
character, and never changes in a longer text what it called final in a shorter one.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from models import user_messages
from models.reasoning.steps import cut_steps
from models.scoring import format_is_right

TAG = re.compile(r"<(?P<close>/?)(?P<name>think|answer)>")
TAGS = ("<think>", "</think>", "<answer>", "</answer>")


class Problem(StrEnum):
    """Reasons why a completion is not `<think>...</think><answer>...</answer>`."""

    NO_THINK = user_messages.THINK_TAG_MISSING
    NO_ANSWER = user_messages.ANSWER_TAG_MISSING
    THINK_OPEN = user_messages.THINK_TAG_OPEN
    ANSWER_OPEN = user_messages.ANSWER_TAG_OPEN
    EMPTY_THINK = user_messages.THINK_EMPTY
    EMPTY_ANSWER = user_messages.ANSWER_EMPTY
    SECOND_THINK = user_messages.THINK_TAG_REPEATED
    SECOND_ANSWER = user_messages.ANSWER_TAG_REPEATED
    ANSWER_FIRST = user_messages.ANSWER_BEFORE_REASONING
    NESTED = user_messages.TAG_NESTED
    STRAY_CLOSE = user_messages.TAG_NOT_OPEN
    OUTSIDE = user_messages.TEXT_OUTSIDE_TAGS


@dataclass(frozen=True)
class Step:
    """A step of the reasoning."""

    text: str
    """Its text, including its number or bullet, without surrounding space."""
    start: int
    """First character in the completion."""
    stop: int
    """One past its last character in the completion."""
    body_start: int
    """First character after its number or bullet."""
    final: bool
    """Whether later text cannot change it."""


PieceKind = Literal["tag", "step", "answer", "gap"]


@dataclass(frozen=True)
class Piece:
    """A part of the completion; all pieces in order are the whole text."""

    kind: PieceKind
    """`gap` is white space, text after the answer, or an answer that does not count."""
    start: int
    """First character in the completion."""
    stop: int
    """One past its last character in the completion."""


@dataclass(frozen=True)
class ReasoningTrace:
    """A parsed completion."""

    steps: tuple[Step, ...]
    """Steps in order."""
    answer: str | None
    """Content of the first answer tag, without surrounding space; None if there is none."""
    answer_span: tuple[int, int] | None
    """Its span in the completion, (start, stop)."""
    answer_final: bool
    """Whether later text cannot change the answer."""
    well_formed: bool
    """Whether the completion has the required format; False while it is streaming."""
    problems: tuple[str, ...]
    """A sentence per format problem; while streaming, only those that are final."""
    pieces: tuple[Piece, ...]
    """The whole text in order."""


def parse(text: str, *, ended: bool = True) -> ReasoningTrace:
    """Parse a completion, or its beginning if not `ended`. Never raises."""
    reader = _Reader(text, ended)
    steps, marks = reader.steps, list(reader.tags)
    marks += [Piece("step", step.start, step.stop) for step in steps]
    span, final = reader.answer_span()
    if span:
        marks.append(Piece("answer", *span))
    return ReasoningTrace(
        steps=tuple(steps),
        answer=text[slice(*span)] if span else None,
        answer_span=span,
        answer_final=final,
        well_formed=ended and format_is_right(text),
        problems=tuple(problem.value for problem in Problem if problem in reader.problems),
        pieces=tuple(_with_gaps(marks, len(text))),
    )


def token_span(start: int, stop: int, token_ends: Sequence[int]) -> range:
    """Tokens that contain the characters `start` to `stop` of a completion.

    `token_ends` as in Completion: the number of characters complete with each token. Tokens that
    straddle an edge count, as do tokens with the first bytes of a character inside. Empty for an
    empty span or without tokens.
    """
    if start >= stop or not token_ends:
        return range(0)
    begins_after = bisect_left(token_ends, start) + 1 if start > 0 else 0
    first = min(begins_after, bisect_right(token_ends, start))
    return range(first, max(first, min(bisect_left(token_ends, stop) + 1, len(token_ends))))


def _with_gaps(marks: list[Piece], length: int) -> list[Piece]:
    """Pieces in order, with gaps added so that they cover the whole text."""
    pieces: list[Piece] = []
    place = 0
    for mark in (*sorted(marks, key=lambda piece: piece.start), Piece("gap", length, length)):
        if mark.start > place:
            pieces.append(Piece("gap", place, mark.start))
        if mark.stop > mark.start:
            pieces.append(mark)
        place = mark.stop
    return pieces


def _end_of_complete_text(text: str, start: int) -> int:
    """Start of a tag that is cut off at the end of a stream, else the end."""
    place = text.rfind("<", start)
    half = place >= 0 and any(tag.startswith(text[place:]) for tag in TAGS)
    return place if half else len(text)


class _Reader:
    """One pass over the tags, left to right; a tag's effect depends only on earlier text."""

    def __init__(self, text: str, ended: bool) -> None:
        """Parse the text; the result is in `tags`, `steps`, `problems` and `answer_span`."""
        self.text = text
        self.ended = ended
        self.tags: list[Piece] = []
        self.steps: list[Step] = []
        self.problems: set[Problem] = set()
        self.thinks = 0
        self.answers = 0
        self.thought = False  # whether there is anything between think tags
        self.mode: Literal["outside", "think", "answer"] = "outside"
        self.inside_think = False  # whether the open answer is inside open reasoning
        self.closed_answer: tuple[int, int] | None = None
        self.open_answer: tuple[int, int] | None = None
        place = 0
        for match in TAG.finditer(text):
            self._stretch(place, match.start(), closed=True)
            self._tag(match, place)
            place = match.end()
        self._stretch(
            place, len(text) if ended else _end_of_complete_text(text, place), closed=ended
        )
        if ended:
            self._end()

    def answer_span(self) -> tuple[tuple[int, int] | None, bool]:
        """Span of the answer, and whether it is final."""
        if self.closed_answer:
            return self.closed_answer, True
        return self.open_answer, self.ended

    def _stretch(self, start: int, stop: int, *, closed: bool) -> None:
        """Process text between two tags; `closed` means that a tag or the end follows."""
        if self.mode == "answer":
            self.open_answer = self._trimmed(start, stop) or self.open_answer
            return
        if not self.text[start:stop].strip():
            return
        self.thought = self.thought or self.mode == "think"
        if self.mode == "outside":
            self.problems.add(Problem.OUTSIDE)
            if self.closed_answer:
                return
        self._add_steps(start, stop, closed=closed)

    def _add_steps(self, start: int, stop: int, *, closed: bool) -> None:
        """Split reasoning into steps."""
        for cut in cut_steps(self.text[start:stop], closed=closed):
            left, right = start + cut.start, start + cut.stop
            step = Step(self.text[left:right], left, right, start + cut.body_start, cut.final)
            self.steps.append(step)

    def _tag(self, match: re.Match[str], place: int) -> None:
        """Process a tag; `place` is where the text before it began."""
        self.tags.append(Piece("tag", match.start(), match.end()))
        if match[0] == "</think>":
            self._close_think(place, match.start())
        elif match["close"]:
            self._close_answer(place, match.start())
        elif match["name"] == "think":
            self._open_think()
        else:
            self._open_answer()

    def _open_think(self) -> None:
        """`<think>`: inside an answer it ends the answer, inside reasoning it is ignored."""
        self.thinks += 1
        if self.thinks > 1:
            self.problems.add(Problem.SECOND_THINK)
        if self.mode != "outside":
            self.problems.add(Problem.NESTED)
        if self.answers and self.thinks == 1:
            self.problems.add(Problem.ANSWER_FIRST)
        self.mode = "think"

    def _open_answer(self) -> None:
        """`<answer>`: interrupts reasoning around it; inside an answer, restarts the answer."""
        self.answers += 1
        if self.answers > 1:
            self.problems.add(Problem.SECOND_ANSWER)
        if self.mode != "outside":
            self.problems.add(Problem.NESTED)
        self.inside_think = self.mode == "think" or (self.mode == "answer" and self.inside_think)
        self.mode = "answer"

    def _close_think(self, start: int, stop: int) -> None:
        """`</think>`: turns an answer opened inside reasoning into reasoning, ends any other."""
        if self.mode == "think":
            if not self.thought:
                self.problems.add(Problem.EMPTY_THINK)
        elif self.mode == "answer" and self.inside_think:
            self.open_answer = None
            self._add_steps(start, stop, closed=True)
        else:
            self.problems.add(Problem.STRAY_CLOSE)
            if self.mode == "answer":
                self._keep_answer(start, stop)
        self.mode = "outside"

    def _close_answer(self, start: int, stop: int) -> None:
        """`</answer>`: the first non-empty answer counts."""
        if self.mode != "answer":
            self.problems.add(Problem.STRAY_CLOSE)
            return
        self._keep_answer(start, stop)
        self.mode = "think" if self.inside_think else "outside"

    def _keep_answer(self, start: int, stop: int) -> None:
        """Record the answer that ends at `stop`, unless there is one already."""
        span = self._trimmed(start, stop)
        if span is None:
            self.problems.add(Problem.EMPTY_ANSWER)
        self.closed_answer = self.closed_answer or span

    def _end(self) -> None:
        """Record what is missing at the end of a complete text."""
        if self.mode == "think":
            self.problems.add(Problem.THINK_OPEN)
        if self.mode == "answer":
            self.problems.add(Problem.ANSWER_OPEN)
        if not self.thinks:
            self.problems.add(Problem.NO_THINK)
        if not self.answers:
            self.problems.add(Problem.NO_ANSWER)

    def _trimmed(self, start: int, stop: int) -> tuple[int, int] | None:
        """Span without surrounding space; None if nothing is left."""
        inner = self.text[start:stop]
        left = start + len(inner) - len(inner.lstrip())
        return (left, start + len(inner.rstrip())) if inner.strip() else None
