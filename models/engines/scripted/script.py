"""Scripts of the `scripted` engine: answers by question, and where each looks.

A script is a TOML file:

    seconds_per_token = 0.03        # pace of the completions; 0 by default

    [[answer]]                      # the first whose `asked` is found in the question is given
    asked = "tumou?r|malignan"      # regular expression, case ignored; without it, any question
    texts = ["<think>...</think><answer>...</answer>"]     # more than one: samples

    [[answer.look]]
    words = "a gland"               # passage of the text whose tokens look there
    area = [0.1, 0.2, 0.3, 0.4]     # left, top, width, height as shares of the picture
    picture = 0                     # index of the picture in the prompt, from 0
    share = 0.5                     # share of these tokens' attention that falls on pictures
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.engines import user_messages
from models.errors import CheckpointError

DEFAULT_SCRIPT = Path(__file__).with_name("default_script.toml")
"""Demonstration script; its texts say that no model is behind them."""
SLOWEST = 60.0
"""Longest time per token, seconds."""


@dataclass(frozen=True)
class AttendedPassage:
    """Area that a passage of an answer attends to."""

    words: str
    """The passage; its first occurrence counts, and without one it has no effect."""
    area: tuple[float, float, float, float]
    """Left, top, width and height as shares of the picture, 0 to 1."""
    picture: int = 0
    """Index of the picture in the prompt, from 0; a missing picture is ignored."""
    share: float = 0.5
    """Share of the tokens' attention that falls on pictures, 0 to 1."""

    def __post_init__(self) -> None:
        """Raise CheckpointError for an invalid area or share, or an empty passage.

        Raises TypeError if the passage is not text or the picture not an integer.
        """
        if not (isinstance(self.words, str) and isinstance(self.picture, int)):
            raise TypeError(user_messages.PASSAGE_TYPE_WRONG)
        left_edge, top, width, height = self.area
        inside = 0 <= left_edge < 1 and 0 <= top < 1 and 0 < width <= 1 and 0 < height <= 1
        if not (inside and 0 <= self.share <= 1 and self.picture >= 0 and self.words):
            raise CheckpointError(user_messages.look_out_of_range(self.words))


@dataclass(frozen=True)
class ScriptedAnswer:
    """A canned answer."""

    texts: tuple[str, ...]
    """Completions; all but the first are used only at temperatures above 0."""
    asked: str = ""
    """Regular expression searched for in the question, case ignored; empty matches any."""
    passages: tuple[AttendedPassage, ...] = ()
    """Areas attended to by its passages."""

    def __post_init__(self) -> None:
        """Raise CheckpointError for an answer without text or an invalid expression."""
        if not self.texts:
            raise CheckpointError(user_messages.ANSWER_WITHOUT_TEXT)
        try:
            re.compile(self.asked)
        except re.error as error:
            message = user_messages.asked_not_expression(self.asked, str(error))
            raise CheckpointError(message) from error

    def fits(self, question: str) -> bool:
        """Whether it matches this question."""
        return re.search(self.asked, question, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Script:
    """Answers and pace of a scripted engine."""

    answers: tuple[ScriptedAnswer, ...]
    """Answers in order of precedence."""
    seconds_per_token: float = 0.0
    """Seconds per token, 0 to `SLOWEST`."""
    otherwise: ScriptedAnswer = ScriptedAnswer(
        ("<think>The script has no answer to this.</think><answer>none</answer>",)
    )
    """Answer if no other matches."""

    def __post_init__(self) -> None:
        """Raise CheckpointError for an invalid pace."""
        pace = self.seconds_per_token
        if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0 <= pace <= SLOWEST:
            raise CheckpointError(user_messages.pace_out_of_range(pace, SLOWEST))

    def find_answer(self, question: str) -> ScriptedAnswer:
        """First matching answer."""
        return next((answer for answer in self.answers if answer.fits(question)), self.otherwise)

    @property
    def revision(self) -> str:
        """SHA-256 of the script."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def read_script(path: Path = DEFAULT_SCRIPT) -> Script:
    """Read a script from a file; raises CheckpointError if it is unreadable or invalid.

    A leading `~` or `~name` stands for a home folder.
    """
    try:
        table = tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
        answers = tuple(_answer(entry) for entry in table.pop("answer", []))
        if "otherwise" in table:
            raise TypeError(user_messages.OTHERWISE_NOT_ALLOWED)
        return Script(answers, **table)
    except OSError as error:
        message = user_messages.script_unreadable(path.name, error.strerror)
        raise CheckpointError(message) from error
    except RuntimeError as error:  # no such user
        message = user_messages.script_home_unknown(str(path), str(error))
        raise CheckpointError(message) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        message = user_messages.script_invalid(path.name, str(error))
        raise CheckpointError(message) from error


def _answer(table: dict[str, Any]) -> ScriptedAnswer:
    """Build an answer from an `[[answer]]` table; raises TypeError, KeyError or ValueError."""
    looks = tuple(
        AttendedPassage(**{**look, "area": _four(look["area"])}) for look in table.pop("look", [])
    )
    texts = table.pop("texts")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError(user_messages.TEXTS_NOT_STRINGS)
    return ScriptedAnswer(tuple(text.strip() for text in texts), passages=looks, **table)


def _four(numbers: list[float]) -> tuple[float, float, float, float]:
    left_edge, top, width, height = map(float, numbers)
    return left_edge, top, width, height
