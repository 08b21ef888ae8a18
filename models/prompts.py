"""Prompts: a question in the style that a model was trained with."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from models import user_messages
from models.control_tokens import spread_control_tokens
from models.errors import PromptError
from models.messages import Prompt, PromptImage
from models.registry import RegisteredModel
from models.scoring import letter, without_letters

HERE = Path(__file__).resolve().parent
QUESTION_LIMIT = 4_000
"""Most characters of a question, and of its context."""
OPTION_LIMIT = 1_000
"""Most characters of an option."""
MOST_OPTIONS = 26
"""One per letter."""


@dataclass(frozen=True)
class QuestionText:
    """A user's question about a region."""

    text: str
    """Question text."""
    options: Sequence[str] = ()
    """Answer options, with or without letters; empty for a free answer."""
    context: str = ""
    """Facts besides the picture, such as organ, stain and clinical details."""
    findings: Sequence[str] = ()
    """Names in findings.toml whose visible attributes are added to the prompt."""


@dataclass(frozen=True)
class QuestionTemplate:
    """A predefined question."""

    task: str
    """Name in question_templates.toml; also the question type."""
    label: str
    """Label on the page."""
    text: str
    """Question text; `{finding}` is a placeholder for a finding."""
    options: tuple[str, ...] = ()
    """Answer options; empty for a free answer."""

    @property
    def needs_finding(self) -> bool:
        """Whether a finding must be named."""
        return "{finding}" in self.text


def build_prompt(
    question: QuestionText, images: Sequence[PromptImage], model: RegisteredModel
) -> Prompt:
    """Build a prompt in the model's own style, pictures first.

    Raises PromptError for a question that is empty or too long, for options that are empty,
    duplicate, single or too many, and for an unknown finding or prompt style.
    """
    style = _style(model.prompt_style)
    options = _options(question.options)
    if model.lower_case_options:
        options = [option.lower() for option in options]
    parts = [_clean_text("context", question.context), _knowledge(question.findings)]
    parts.append(_clean_text("question", question.text))
    if not parts[-1]:
        raise PromptError(user_messages.QUESTION_EMPTY)
    for index, option in enumerate(options):
        line = style["option"].replace("{letter}", letter(index))
        parts.append(line.replace("{text}", option))
    body = "\n".join(part for part in parts if part)
    template_text = style["options" if options else "free"].strip("\n")
    text = template_text.replace("{question}", body)
    return Prompt(text=text, images=tuple(images), system=model.system)


def list_templates(model: RegisteredModel) -> tuple[QuestionTemplate, ...]:
    """Templates offered for a model: those it is limited to, or all."""
    offered = []
    for task, table in _toml("question_templates.toml")["tasks"].items():
        if model.question_types and task not in model.question_types:
            continue
        options = table.get("options", ())
        if model.question_types:
            options = table.get("kept", options)
        offered.append(QuestionTemplate(task, table["label"], table["text"], tuple(options)))
    return tuple(offered)


def fill_template(template: QuestionTemplate, finding: str = "") -> QuestionText:
    """Fill in a template, with a finding if it needs one.

    A finding in findings.toml adds its attributes; any other is used as typed. Raises PromptError
    if a required finding is missing.
    """
    question = QuestionText(template.text, template.options)
    if not template.needs_finding:
        return question
    name = _clean_text("finding", finding)
    if not name:
        raise PromptError(user_messages.finding_missing(template.label))
    known = (name,) if name in read_findings() else ()
    return replace(question, text=template.text.replace("{finding}", name), findings=known)


def read_findings() -> dict[str, tuple[str, ...]]:
    """Visible attributes by finding."""
    tables = _toml("findings.toml")
    return {name: tuple(table["attributes"]) for name, table in tables.items()}


@cache
def _toml(name: str) -> dict[str, Any]:
    """Read a TOML file beside this module."""
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def _style(name: str) -> dict[str, str]:
    """Text around a question."""
    styles: dict[str, dict[str, str]] = _toml("question_templates.toml")["styles"]
    if name not in styles:
        raise PromptError(user_messages.unknown_prompt_style(name, styles))
    return styles[name]


def _clean_text(what: str, text: str, limit: int = QUESTION_LIMIT) -> str:
    """Clean user text for a prompt: trimmed, limited, without control characters or control tokens.

    The limit applies before anything is removed, so that the message counts what was typed.
    """
    if len(text) > limit:
        raise PromptError(user_messages.text_too_long(what, len(text), limit))
    plain = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    return spread_control_tokens(plain).strip()


def _options(raw_options: Sequence[str]) -> list[str]:
    """Options without letters of their own, each on one line."""
    if not raw_options:
        return []
    lines = [
        " ".join(_clean_text("option", option, OPTION_LIMIT).split()) for option in raw_options
    ]
    options = [option.strip() for option in without_letters(lines)]
    problem = ""
    if len(options) < 2:
        problem = user_messages.SINGLE_OPTION
    elif len(options) > MOST_OPTIONS:
        problem = user_messages.too_many_options(len(options), MOST_OPTIONS)
    elif not all(options):
        problem = user_messages.option_empty(letter(options.index("")))
    elif len({option.casefold() for option in options}) < len(options):
        problem = user_messages.OPTIONS_EQUAL
    if problem:
        raise PromptError(problem)
    return options


def _knowledge(names: Sequence[str]) -> str:
    """Attributes of findings as prompt lines; empty without findings."""
    attributes = read_findings()
    lines = []
    for name in names:
        if name not in attributes:
            raise PromptError(user_messages.unknown_finding(name, attributes))
        lines.append(f"- {name}: {'; '.join(attributes[name])}.")
    return "\n".join(["What to look for:", *lines]) if lines else ""
