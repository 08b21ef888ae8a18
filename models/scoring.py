"""Whether an answer is right and a completion well formed: one rule for evaluation and reward."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

COMPLETION_FORMAT = re.compile(
    r"\s*<think>(?P<think>(?:(?!</?(?:think|answer)>).)*)</think>"
    r"\s*<answer>(?P<answer>(?:(?!</?(?:think|answer)>).)*)</answer>\s*",
    re.DOTALL,
)
LABEL = re.compile(r"\s*[(\[]?([A-Za-z])\s*[)\].:]\s*")
"""An option's letter as sets and models write it: `A)`, `(A)`, `A.`, `A:`."""
LEAD_IN = re.compile(
    r"\s*(?:(?:(?i:the|my)\s+)?(?:(?i:correct|right|best|final|most likely)\s+)?"
    r"(?i:answer|option|choice|diagnosis)\s*(?i:is\b|:)?|(?i:it is|this is)\b)?"
    r"\s*(?:\b(?:a(?!\s+[A-Za-z]\W*\Z)|an|An|the|The)\s)?",
)
"""What may stand before an answer; a capital A, or an a before a letter alone, is no article."""
MARKED_LETTER = re.compile(r"(?:(?<![\w.])|(?<=[A-Z]\.))([A-Za-z])\s*[)\].:](?![a-z])")
"""A label within an answer: `B)`, `(B)`, `B.`; not those in `e.g.`."""
BARE_LETTER = re.compile(
    r"(?:\b(?:or|and|nor|not|than|option|answer)\s+|[,;/&+]\s*)\(?([A-Z])(?!\w)"
    r"|(?<!\w)([A-Z])(?=\W*\Z|\s*[,;/&+]|\s+(?:or|and|nor|is|was)\b)"
)
"""A letter within an answer that is one of a list or is spoken of: `or B`, `B, `, `B is`."""
EMPHASIS = re.compile(r"(?<!\w)[*_`]+|[*_`]+(?!\w)")
"""Markdown's marks around a word, as in `**B**: text`; not those within one."""
CONJUNCTIONS = frozenset({"and", "or", "nor"})
WRAPPER_CHARACTERS = " \t\r\n*_`\"'"
YES_NO_ANSWERS = frozenset({"yes", "no"})

ABSTENTIONS = ("none of these", "cannot assess from this region")
"""Answers that name nothing; offered last."""
ABSTENTION_PHRASES = frozenset(
    {"none of these", "none of the above", "cannot assess from this region", "cannot assess"}
)


def format_is_right(text: str) -> bool:
    """Whether the whole completion is `<think>...</think><answer>...</answer>`, neither blank."""
    match = COMPLETION_FORMAT.fullmatch(text)
    return bool(match and match["think"].strip() and match["answer"].strip())


def answer_is_right(answer: str | None, options: Sequence[str], gold: str) -> bool:
    """Whether an answer names the right option, by its letter or its text.

    `gold` is a letter or an option's text; without options the texts are compared, and for a gold
    of yes or no the first word counts. None, an answer that names two options, or a letter beside
    another option's letter or text is wrong. So is a text that merely contains the option: whoever
    lists all options has not answered.
    """
    if answer is None:
        return False
    if not options:
        return _same_text(answer, gold)
    right = option_index(gold, options)
    return right is not None and option_index(answer, options) == right


def option_index(answer: str | None, options: Sequence[str]) -> int | None:
    """The option that an answer names, counted from 0; None if none or more than one.

    Whatever punctuation stands around a letter does not count. A label before its own option's
    text decides, whatever else both might be read as. A letter may be followed by words of its
    own unless they bear another option's label or whole text.
    """
    if answer is None:
        return None
    texts = [normalise_text(option) for option in without_letters(options)]
    bare = answer.strip(WRAPPER_CHARACTERS)
    plain = EMPHASIS.sub("", bare)
    for form in (bare, plain, LEAD_IN.sub("", plain, count=1).strip(WRAPPER_CHARACTERS)):
        place = _named_option(form, texts)
        if place is not None:
            return place
        if _lists_letters(form, texts):
            return None
    return None


def canonical_answer(answer: str | None, options: Sequence[str] = ()) -> str:
    """What an answer says, for comparing two of them: an option's text, else its own; or ""."""
    place = option_index(answer, options)
    if place is not None:
        return normalise_text(without_letters(options)[place])
    return normalise_text(LEAD_IN.sub("", (answer or "").strip(WRAPPER_CHARACTERS), count=1))


def letter(index: int) -> str:
    """The letter of an option counted from 0: A, B, C ..."""
    return string.ascii_uppercase[index]


def is_abstention(text: str) -> bool:
    """Whether an option or a free answer names nothing, as `ABSTENTIONS` do."""
    return normalise_text(text) in ABSTENTION_PHRASES


def without_letters(options: Sequence[str]) -> list[str]:
    """Options without the letters that some sets write into them, if all carry theirs in order."""
    labels = [LABEL.match(option) for option in options]
    letters = "".join(label[1].upper() if label else " " for label in labels)
    if len(options) < 2 or letters != string.ascii_uppercase[: len(options)]:
        return list(options)
    return [option[label.end() :] for option, label in zip(options, labels, strict=True) if label]


def normalise_text(text: str) -> str:
    """Text as it is compared: case, punctuation, hyphens and spacing do not count.

    Signs that carry meaning stay: `+ < > % =`, and the point inside a number.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"(?<!\d)\.|\.(?!\d)|[^\w.+<>%=≤≥]|_", " ", plain)
    return " ".join(plain.split())


def _named_option(answer: str, texts: Sequence[str]) -> int | None:
    """The option whose text or letter an answer is; None if the two disagree."""
    plain = normalise_text(answer)
    label = LABEL.match(answer)
    if label and _is_text_of(answer[label.end() :], _place(label[1], texts), texts):
        return _place(label[1], texts)
    by_text = _only_place(plain, texts)
    if by_text is not None:
        return by_text
    if len(plain) == 1:
        return _place(plain, texts)
    label = label or re.match(r"([A-Z])[\s,]+", answer)
    if not label or _lists_letters(answer, texts):
        return None
    rest = answer[label.end() :].strip(WRAPPER_CHARACTERS)
    place = _place(label[1], texts)
    meant = _only_place(normalise_text(rest), texts)
    if meant is not None or not rest:
        return place if meant in {None, place} else None
    bare = LABEL.fullmatch(label[0]) is None
    return None if bare or place is None or _names_another(rest, place, texts) else place


def _is_text_of(text: str, place: int | None, texts: Sequence[str]) -> bool:
    """Whether a text, not blank, is that of the option at a place."""
    return place is not None and bool(texts[place]) and normalise_text(text) == texts[place]


def _lists_letters(answer: str, texts: Sequence[str]) -> bool:
    """Whether an answer is nothing but letters of two or more options."""
    words = [word for word in normalise_text(answer).split() if word not in CONJUNCTIONS]
    places = {_place(word, texts) if len(word) == 1 else None for word in words}
    return len(places) > 1 and None not in places


def _names_another(rest: str, place: int, texts: Sequence[str]) -> bool:
    """Whether what follows a label bears the label or the whole text of another option."""
    first = LABEL.match(rest)
    marks = [first[1]] if first else []
    marks += [match[1] for match in MARKED_LETTER.finditer(rest)]
    marks += [match[1] or match[2] for match in BARE_LETTER.finditer(rest)]
    if {_place(mark, texts) for mark in marks} - {None, place}:
        return True
    words = f" {normalise_text(rest)} "
    # An option's text may lie within another's, so what is found is taken out, the longest first.
    for text in sorted(filter(None, texts), key=len, reverse=True):
        if f" {text} " in words:
            if text != texts[place]:
                return True
            words = words.replace(f" {text} ", " | ")
    return False


def _only_place(text: str, texts: Sequence[str]) -> int | None:
    """Where a text stands among others; None if nowhere or twice."""
    return texts.index(text) if texts.count(text) == 1 else None


def _place(mark: str, texts: Sequence[str]) -> int | None:
    """Where a letter points; None if there is no such option."""
    place = string.ascii_uppercase.find(mark.upper())
    return place if 0 <= place < len(texts) else None


def _same_text(answer: str, gold: str) -> bool:
    """Whether two free answers say the same."""
    right = normalise_text(gold)
    bare = answer.strip(WRAPPER_CHARACTERS)
    forms = [normalise_text(bare), normalise_text(LEAD_IN.sub("", bare, count=1))]
    if right in YES_NO_ANSWERS:
        words = forms[0].split()
        return words[:1] == [right] and YES_NO_ANSWERS.isdisjoint(words[1:])
    return bool(right) and right in forms
