"""Correctness of answers and format of completions: the same rules for evaluation and reward."""

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
"""An option's letter as written by question sets and models: `A)`, `(A)`, `A.`, `A:`."""
LEAD_IN = re.compile(
    r"\s*(?:(?:(?i:the|my)\s+)?(?:(?i:correct|right|best|final|most likely)\s+)?"
    r"(?i:answer|option|choice|diagnosis)\s*(?i:is\b|:)?|(?i:it is|this is)\b)?"
    r"\s*(?:\b(?:a(?!\s+[A-Za-z]\W*\Z)|an|An|the|The)\s)?",
)
"""Text allowed before an answer; a capital A, or an a before a single letter, is not an article."""
MARKED_LETTER = re.compile(r"(?:(?<![\w.])|(?<=[A-Z]\.))([A-Za-z])\s*[)\].:](?![a-z])")
"""A label within an answer: `B)`, `(B)`, `B.`; not those in `e.g.`."""
BARE_LETTER = re.compile(
    r"(?:\b(?:or|and|nor|not|than|option|answer)\s+|[,;/&+]\s*)\(?([A-Z])(?!\w)"
    r"|(?<!\w)([A-Z])(?=\W*\Z|\s*[,;/&+]|\s+(?:or|and|nor|is|was)\b)"
)
"""A bare letter within an answer that is listed or discussed: `or B`, `B, `, `B is`."""
NAMED_LETTER = re.compile(
    r"(?i:\b(?:answer|option|choice)(?:\s+is)?\s*:?\s*)\(?([A-Z])(?!\w)"
    r"|(?:(?<![\w.])|(?<=[A-Z]\.))([A-Z])\s*[)\].:](?![a-z])"
)
"""A letter that a completion in any format names: `answer is B`, `(B)`, `B.`"""
LATEX_BOX = re.compile(r"\\boxed\{([^{}]*)\}")
"""LaTeX's box, in which many models write their answer."""
EMPHASIS = re.compile(r"(?<!\w)[*_`]+|[*_`]+(?!\w)")
"""Markdown marks around a word, as in `**B**: text`; not those within one."""
CONJUNCTIONS = frozenset({"and", "or", "nor"})
WRAPPER_CHARACTERS = " \t\r\n*_`\"'"
YES_NO_ANSWERS = frozenset({"yes", "no"})

ABSTENTIONS = ("none of these", "cannot assess from this region")
"""Answers that abstain; offered last."""
ABSTENTION_PHRASES = frozenset(
    {"none of these", "none of the above", "cannot assess from this region", "cannot assess"}
)


def format_is_right(text: str) -> bool:
    """Whether the completion is `<think>...</think><answer>...</answer>`, neither part blank."""
    match = COMPLETION_FORMAT.fullmatch(text)
    return bool(match and match["think"].strip() and match["answer"].strip())


def answer_is_right(answer: str | None, options: Sequence[str], gold: str) -> bool:
    """Whether an answer names the correct option, by letter or text.

    `gold` is a letter or an option's text; without options, texts are compared, and for a gold of
    yes or no only the first word counts. Wrong are: None, an answer that names two options, a
    letter beside another option's letter or text, and a text that merely contains the option,
    because listing all options is not an answer.
    """
    if answer is None:
        return False
    if not options:
        return _same_text(answer, gold)
    right = option_index(gold, options)
    return right is not None and option_index(answer, options) == right


def option_index(answer: str | None, options: Sequence[str]) -> int | None:
    """Index of the option that an answer names, from 0; None if none or more than one.

    Punctuation around a letter does not count. A label before its own option's text decides,
    whatever else either could mean. A letter may be followed by other words unless they contain
    another option's label or full text.
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


def last_option_named(text: str, options: Sequence[str]) -> int | None:
    """Index of the option that a completion names last, in whatever format; None if none.

    More lenient than the scoring rule, for models that were not trained on its format: `The answer
    is B.` and `\\boxed{B}` count. A letter counts if it is marked or follows "answer" or "option".
    """
    plain = EMPHASIS.sub("", text)
    for form in (*LATEX_BOX.findall(plain)[-1:], plain):
        if (place := option_index(form, options)) is not None:
            return place
    texts = without_letters(options)
    named = [
        (match.end(), len(option), place)
        for place, option in enumerate(map(str.strip, texts))
        if option
        for match in re.finditer(rf"(?<!\w){re.escape(option)}(?!\w)", plain, re.IGNORECASE)
    ]
    for match in NAMED_LETTER.finditer(plain):
        place = _place(match[1] or match[2], texts)
        if place is not None:
            named.append((match.end(), 0, place))
    return max(named)[2] if named else None


def canonical_answer(answer: str | None, options: Sequence[str] = ()) -> str:
    """Normal form of an answer for comparison: the option's text, or its own words; may be ""."""
    place = option_index(answer, options)
    if place is not None:
        return normalise_text(without_letters(options)[place])
    return normalise_text(LEAD_IN.sub("", (answer or "").strip(WRAPPER_CHARACTERS), count=1))


def letter(index: int) -> str:
    """Letter of an option, counted from 0: A, B, C ..."""
    return string.ascii_uppercase[index]


def is_abstention(text: str) -> bool:
    """Whether an option or free answer abstains, as `ABSTENTIONS` do."""
    return normalise_text(text) in ABSTENTION_PHRASES


def without_letters(options: Sequence[str]) -> list[str]:
    """Options without their letters, if all have theirs in order."""
    labels = [LABEL.match(option) for option in options]
    letters = "".join(label[1].upper() if label else " " for label in labels)
    if len(options) < 2 or letters != string.ascii_uppercase[: len(options)]:
        return list(options)
    return [option[label.end() :] for option, label in zip(options, labels, strict=True) if label]


def normalise_text(text: str) -> str:
    """Normalise text for comparison, ignoring case, punctuation, hyphens and spacing.

    Meaningful characters stay: `+ < > % =`, and the point inside a number.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"(?<!\d)\.|\.(?!\d)|[^\w.+<>%=≤≥]|_", " ", plain)
    return " ".join(plain.split())


def _named_option(answer: str, texts: Sequence[str]) -> int | None:
    """Option whose text or letter the answer is; None if the two disagree."""
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
    """Whether a non-blank text is that of the option at a position."""
    return place is not None and bool(texts[place]) and normalise_text(text) == texts[place]


def _lists_letters(answer: str, texts: Sequence[str]) -> bool:
    """Whether an answer consists only of the letters of two or more options."""
    words = [word for word in normalise_text(answer).split() if word not in CONJUNCTIONS]
    places = {_place(word, texts) if len(word) == 1 else None for word in words}
    return len(places) > 1 and None not in places


def _names_another(rest: str, place: int, texts: Sequence[str]) -> bool:
    """Whether the text after a label contains the label or full text of another option."""
    first = LABEL.match(rest)
    marks = [first[1]] if first else []
    marks += [match[1] for match in MARKED_LETTER.finditer(rest)]
    marks += [match[1] or match[2] for match in BARE_LETTER.finditer(rest)]
    if {_place(mark, texts) for mark in marks} - {None, place}:
        return True
    words = f" {normalise_text(rest)} "
    # One option's text may contain another's, so matches are removed, longest first.
    for text in sorted(filter(None, texts), key=len, reverse=True):
        if f" {text} " in words:
            if text != texts[place]:
                return True
            words = words.replace(f" {text} ", " | ")
    return False


def _only_place(text: str, texts: Sequence[str]) -> int | None:
    """Position of a text among others; None if absent or duplicate."""
    return texts.index(text) if texts.count(text) == 1 else None


def _place(mark: str, texts: Sequence[str]) -> int | None:
    """Position of a letter's option; None if there is no such option."""
    place = string.ascii_uppercase.find(mark.upper())
    return place if 0 <= place < len(texts) else None


def _same_text(answer: str, gold: str) -> bool:
    """Whether two free answers are equal."""
    right = normalise_text(gold)
    bare = answer.strip(WRAPPER_CHARACTERS)
    forms = [normalise_text(bare), normalise_text(LEAD_IN.sub("", bare, count=1))]
    if right in YES_NO_ANSWERS:
        words = forms[0].split()
        return words[:1] == [right] and YES_NO_ANSWERS.isdisjoint(words[1:])
    return bool(right) and right in forms
