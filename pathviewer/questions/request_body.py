"""Parsing of request bodies into questions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from models.messages import Prompt, Sampling
from models.placement import FACTOR
from models.prompts import QuestionText, build_prompt, list_templates
from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.model_input import Pictures, RegionSelection, read_whole_number
from pathviewer.questions.request import QuestionRequest
from storage.questions.records import NewQuestion

if TYPE_CHECKING:
    from models.registry import RegisteredModel
    from pathviewer.questions.region_picture import RegionPicture

MOST_ANSWERS = 8
MOST_ATTENTION_VALUES = 6 * 2**20
"""Maximum completions x tokens x cells of a question; with 28 layers its attention is 0.7 GB
as float32."""
CONTEXT = {"organ": "Organ", "specimen": "Specimen", "stain": "Stain", "history": "History"}
"""Context fields of a request and their labels in the prompt."""


def read_slide_id(body: Mapping[str, Any]) -> str:
    """Return the slide's id. Raises QuestionRefused."""
    slide_id = body.get("slide")
    if not isinstance(slide_id, str):
        raise QuestionRefused(user_messages.SLIDE_MISSING)
    return slide_id


def parse_question(body: Mapping[str, Any], account_id: str, pictures: Pictures) -> QuestionRequest:
    """Parse a question and read the region's pixels.

    Raises QuestionRefused, SlideError, ModelError.
    """
    slide_id = read_slide_id(body)
    selection, question = pictures.read_selection(body), _read_question(body)
    sampling = _read_sampling(body)
    read_whole_number({"count": 1, **body}, "count", 1, MOST_ANSWERS)
    before = pictures.confirm_identity(slide_id, body.get("identity"))
    picture = pictures.make_picture(slide_id, selection, account_id)
    identity = asdict(pictures.confirm_identity(slide_id, asdict(before)))  # again, after the read
    _check_attention(body.get("count", 1), sampling.max_new_tokens, picture.pixels.size)
    prompt = build_prompt(question, (picture.image,), pictures.model)
    facts = (
        _question_facts(body, pictures.model)
        | _selection_facts(selection, picture)
        | _prompt_facts(prompt)
    )
    new = NewQuestion(
        account_id=account_id,
        slide_id=slide_id,
        slide_identity=identity,
        sampling=dict(vars(sampling)),
        **facts,
    )
    return QuestionRequest(new, prompt, sampling, selection.budget)


def _check_attention(count: int, tokens: int, size: tuple[int, int]) -> None:
    """Raise QuestionRefused if the attention could exceed the memory; `size` is in pixels."""
    cells = (size[0] // FACTOR) * (size[1] // FACTOR)
    if count * tokens * cells > MOST_ATTENTION_VALUES:
        raise QuestionRefused(user_messages.attention_too_large(count, tokens, cells))


def is_text(value: object) -> TypeGuard[str]:
    """Whether the value is a text that UTF-8 and the database can hold: no lone surrogate, no
    NUL."""
    bad = "\0"
    return isinstance(value, str) and not any(
        letter == bad or "\ud800" <= letter <= "\udfff" for letter in value
    )


def _question_facts(body: Mapping[str, Any], model: RegisteredModel) -> dict[str, Any]:
    """Return the stored fields of the typed question."""
    task = body["task"] if is_text(body.get("task")) else _find_task(body, model)
    context = body.get("context") or {}
    return {
        "question": body["question"],
        "options": list(body.get("options") or ()),
        "context": {name: context[name] for name in CONTEXT if name in context},
        "task": None if task is None else task[:200],
        "outside_known_types": bool(model.question_types) and task not in model.question_types,
        "model": model.name,
        "count": body.get("count", 1),
        "blind": body.get("blind") is True,
    }


def _selection_facts(selection: RegionSelection, picture: RegionPicture) -> dict[str, Any]:
    """Return the stored fields of the region and its picture."""
    return vars(selection.region) | {
        "points": [list(point) for point in selection.points] or None,
        "paint_outside": selection.paint_outside,
        "mpp": picture.mpp,
        "scale": None if picture.scale is None else picture.scale.provenance(),
        "quickhash": picture.quickhash,
        "colours": picture.colours,
        **vars(selection.budget),
    }


def _prompt_facts(prompt: Prompt) -> dict[str, Any]:
    """Return the stored fields of the prompt."""
    sha256 = hashlib.sha256(prompt.images[0].data).hexdigest()
    return {"prompt": prompt.text, "system": prompt.system, "pixels_sha256": sha256}


def _read_question(body: Mapping[str, Any]) -> QuestionText:
    """Parse question, options, context and findings. Raises QuestionRefused unless all are text."""
    text, options = body.get("question"), body.get("options") or []
    context, findings = body.get("context") or {}, body.get("findings") or []
    lists = isinstance(options, list) and isinstance(findings, list) and isinstance(context, dict)
    if not lists or not all(map(is_text, (text, *options, *findings, *context.values()))):
        raise QuestionRefused(user_messages.QUESTION_NOT_TEXT)
    context_lines = [f"{CONTEXT[name]}: {context[name]}" for name in CONTEXT if context.get(name)]
    return QuestionText(str(text), tuple(options), "\n".join(context_lines), tuple(findings))


def _find_task(body: Mapping[str, Any], model: RegisteredModel) -> str | None:
    """Return the task whose template equals the question word for word; None if none does."""
    typed = str(body.get("question")).strip()
    return next(
        (template.task for template in list_templates(model) if template.text == typed), None
    )


def _read_sampling(body: Mapping[str, Any]) -> Sampling:
    """Parse the sampling. Raises QuestionRefused for non-numbers, PromptError out of range."""
    values = body.get("sampling") or {}
    if not isinstance(values, dict):
        raise QuestionRefused(user_messages.SAMPLING_NOT_OBJECT)
    sampling = Sampling()
    if "temperature" in values:
        value = values["temperature"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise QuestionRefused(user_messages.TEMPERATURE_NOT_NUMBER)
        sampling = replace(sampling, temperature=float(value))
    if "seed" in values:
        sampling = replace(sampling, seed=read_whole_number(values, "seed", 0, 2**53 - 1))
    if "max_new_tokens" in values:
        most = read_whole_number(values, "max_new_tokens", 1, 4_096)
        sampling = replace(sampling, max_new_tokens=most)
    return sampling
