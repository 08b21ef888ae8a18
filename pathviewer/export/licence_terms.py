"""Licence terms of the models whose answers are in a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models.registry import list_models
from pathviewer.export.formats import ExportItem
from storage.export_rows import CompletionAuthor, ExportedQuestion


@dataclass(frozen=True)
class Terms:
    """Terms of use of a model's answers."""

    licence: str | None
    """Licence of the weights; None if unknown."""
    train_allowed: bool | None
    """Whether its answers may be used for training; None if unknown."""


def authors_of(question: ExportedQuestion, item: ExportItem) -> list[CompletionAuthor]:
    """Return the authors of an item's completions, or of all judged answers to its question."""
    completion_ids = {each.completion_id for each in question.feedback}
    about = completion_ids if question.id in item.ids else set(item.ids)
    return [question.authors[each] for each in sorted(about)]


def terms_of(author: CompletionAuthor) -> Terms:
    """Return the terms stored with the answer; the current registry can only restrict them."""
    registered_model = {each.name: each for each in list_models()}.get(author.model)
    if registered_model and (author.train_allowed is None or not registered_model.train_allowed):
        return Terms(registered_model.licence, registered_model.train_allowed)
    return Terms(author.licence, author.train_allowed)


def all_allow(terms: Iterable[Terms]) -> bool | None:
    """Return whether all allow training; None if one is unknown and none forbids it."""
    permissions = {each.train_allowed for each in terms}
    if False in permissions:
        return False
    return None if None in permissions else True


def as_json(models: dict[str, set[Terms]]) -> list[dict[str, Any]]:
    """Return models by name with their terms, for a manifest."""
    return [
        {"model": name, "licence": each.licence, "train_allowed": each.train_allowed}
        for name in sorted(models)
        for each in sorted(models[name], key=str)
    ]
