"""Reading of worklist items from JSONL files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from models.control_tokens import control_token_sentence, find_control_token
from models.errors import PromptError
from models.prompts import QuestionText, build_prompt
from models.registry import DEFAULT_MODEL, resolve_model
from models.scoring import option_index, without_letters
from pathviewer.common.table_text import decode_text, is_spoilt, spoilt_sentence
from pathviewer.slides.errors import SlideError
from pathviewer.slides.geometry import Region, check_inside
from pathviewer.slides.slide_names import SlideNameError, find_slide_by_name
from pathviewer.worklists import user_messages
from pathviewer.worklists.errors import WorklistError
from storage.names import normalize_name
from storage.slides.store import SlideRecord
from storage.worklists.records import NewItem

FIELDS = ("slide", "box", "question", "options", "answer", "task")
MOST_BYTES = 64 * 2**20


class SlideSizes(Protocol):
    """Function that returns a slide's size."""

    def __call__(self, slide_id: str) -> tuple[int, int]:
        """(width, height) in level-0 pixels; raises SlideError."""


def read_items(path: Path, slides: list[SlideRecord], sizes: SlideSizes) -> list[NewItem]:
    """Read a file with one JSON object per line. Raises WorklistError, naming the line."""
    items = []
    for number, line in enumerate(_read_lines(path), 1):
        if not line.strip():
            continue
        try:
            items.append(_read_item(_parse_object(line), slides, sizes))
        except (WorklistError, SlideNameError, SlideError, PromptError) as error:
            raise WorklistError(user_messages.line_refused(number, str(error))) from error
    if not items:
        raise WorklistError(user_messages.no_items(path.name))
    return items


def _read_lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WorklistError(user_messages.file_too_large(path.name))
        # split at line feeds only: texts may contain other line ends
        return decode_text(path.read_bytes()).split("\n")
    except OSError as error:
        raise WorklistError(user_messages.file_unreadable(path.name, error.strerror)) from error
    except UnicodeDecodeError as error:
        raise WorklistError(user_messages.file_not_utf8(path.name)) from error


def _parse_object(line: str) -> Mapping[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise WorklistError(user_messages.line_not_json(str(error))) from error
    if not isinstance(document, dict):
        raise WorklistError(user_messages.LINE_NOT_OBJECT)
    unknown = sorted(set(document) - set(FIELDS))
    if unknown:
        raise WorklistError(user_messages.unknown_field(unknown[0][:40], FIELDS))
    return document


def _read_item(
    document: Mapping[str, Any], slides: list[SlideRecord], sizes: SlideSizes
) -> NewItem:
    slide_name = _read_text(document, "slide")
    if is_spoilt(slide_name):
        raise WorklistError(spoilt_sentence("slide", slide_name))
    slide = find_slide_by_name(slides, slide_name)
    region = _read_region(document.get("box"))
    check_inside(region, *sizes(slide.id))
    question, options = _read_text(document, "question"), _read_options(document.get("options"))
    # refuse questions that cannot be asked before raters see them
    build_prompt(QuestionText(question, tuple(options)), (), resolve_model(DEFAULT_MODEL))
    options = without_letters(options)
    answer = _read_text(document, "answer") if document.get("answer") is not None else None
    if answer is not None and options:
        index = option_index(answer, options)
        if index is None:
            raise WorklistError(user_messages.answer_not_option(answer[:80]))
        answer = options[index]
    task = _read_text(document, "task")[:200] if document.get("task") is not None else None
    sides = {side: getattr(region, side) for side in ("x", "y", "width", "height")}
    return NewItem(
        slide_id=slide.id,
        question=question,
        options=options,
        task=task,
        reference_answer=answer,
        **sides,
    )


def _read_text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if (
        not isinstance(value, str)
        or not value.strip()
        or (not value.isprintable() and "\0" in value)
    ):
        raise WorklistError(user_messages.text_missing(name))
    return _refuse_control_token(f"the {name}", normalize_name(value.strip()))


def _read_options(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise WorklistError(user_messages.OPTIONS_NOT_TEXTS)
    return [_refuse_control_token("an option", normalize_name(option)) for option in value]


def _refuse_control_token(subject: str, value: str) -> str:
    """Return the text. Raises WorklistError if it contains a control token, as exports use it."""
    if token := find_control_token(value):
        raise WorklistError(control_token_sentence(subject, token))
    return value


def _read_region(value: object) -> Region:
    if isinstance(value, dict):
        value = [value.get(side) for side in ("x", "y", "width", "height")]
    sides = value if isinstance(value, list) else []
    if len(sides) != 4 or any(type(side) is not int for side in sides):
        raise WorklistError(user_messages.BOX_INVALID)
    return Region(*sides)
