"""Completions made beforehand, so that all raters judge the same text and nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from models.engines.base import Engine
from models.errors import ModelError
from models.messages import CompletionEnd, GenerationStart
from pathviewer.attention.archive import StoredAttention, reduce_attention
from pathviewer.questions.ask import CompletionResult, ask
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.model_input import Pictures
from pathviewer.questions.request import QuestionRequest
from pathviewer.questions.request_body import parse_question
from pathviewer.questions.store import QuestionStore
from pathviewer.slides.errors import SlideError
from storage.comparisons.pairs import add_item_question, list_item_models
from storage.database import Database
from storage.errors import ConflictError
from storage.tables import LOCAL_ACCOUNT_ID
from storage.worklists.records import ItemRecord
from storage.worklists.store import freeze_item, list_items

LOADING_SECONDS = 0.2
"""Between two looks at a model that is loading."""
BATCH_PRIORITY = 0
"""Priority of what nobody waits for."""


@dataclass(frozen=True)
class GenerationSettings:
    """How completions are made."""

    samples: int
    """Of each item, 1 to 8."""
    temperature: float
    """0 takes the likeliest token."""
    seed: int
    """Of the first item; the next one's is one more."""
    max_new_tokens: int
    """Longest completion."""
    beside: bool = False
    """Whether items get a further reading beside those of other models, to be compared."""


@dataclass
class GenerationResult:
    """What came of it."""

    completed: int = 0
    """Items that have completions now."""
    failed: list[str] = field(default_factory=list)
    """A sentence for each item that has none."""


def generate_completions(
    database: Database,
    store: QuestionStore,
    pictures: Pictures,
    engine: Engine,
    worklist_id: str,
    settings: GenerationSettings,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> GenerationResult:
    """Make what is missing; an item is kept and frozen with all its completions, or not at all.

    What is missing is a reading, or with `manner.beside` one by this model and these weights.
    Broken off, it goes on with the next item that has none. Raises StorageError.
    """
    with database.read_only() as session:
        items = list_items(session, worklist_id)
    result = GenerationResult()
    for number, item in enumerate(items, 1):
        if item.question_id is None or (
            settings.beside and not _has_answered(database, item, pictures.model.name, engine)
        ):
            _generate_item(store, pictures, engine, item, settings, result)
        progress(number, len(items))
    return result


def _has_answered(database: Database, item: ItemRecord, model: str, engine: Engine) -> bool:
    """Whether this model, with the weights that are loaded, has answered an item."""
    while (
        engine.status().state == "starting"
    ):  # which weights they are is known once they are loaded
        time.sleep(LOADING_SECONDS)
    info = engine.status().info
    with database.read_only() as session:
        models = list_item_models(session, item.id)
    return any(
        name == model and (info is None or revision == info.revision) for name, revision in models
    )


def _generate_item(
    store: QuestionStore,
    pictures: Pictures,
    engine: Engine,
    item: ItemRecord,
    settings: GenerationSettings,
    result: GenerationResult,
) -> None:
    try:
        question = parse_question(_request_body(item, settings), LOCAL_ACCOUNT_ID, pictures)
    except (QuestionRefused, SlideError, ModelError) as error:
        result.failed.append(f"Item {item.position + 1}: {error}")
        return
    try:
        started, answers = _collect_answers(engine, question)
        store.add_with_completions(question, started, answers, partial(_freeze, item))
    except ModelError as error:
        result.failed.append(f"Item {item.position + 1}: {error}")
    except ConflictError:
        return  # another run of the command has made it meanwhile
    else:
        result.completed += 1


def _freeze(item: ItemRecord, session: Session, question_id: str) -> None:
    if item.question_id is None:
        freeze_item(session, item.id, question_id)
    else:
        add_item_question(session, item.id, question_id)


def _collect_answers(
    engine: Engine, question: QuestionRequest
) -> tuple[GenerationStart, list[tuple[CompletionEnd, StoredAttention | None]]]:
    """All that the model writes, each answer with where it looked; raises ModelError.

    Nothing is kept before the last of it: a run that is killed leaves no half item behind.
    """
    events = ask(
        engine,
        question.prompt,
        sampling=question.sampling,
        budget=question.budget,
        count=question.new_question.count,
        priority=BATCH_PRIORITY,
    )
    started: GenerationStart | None = None
    answers: dict[int, tuple[CompletionEnd, StoredAttention | None]] = {}
    with closing(events):
        for event in events:
            if isinstance(event, GenerationStart):
                started = event
            elif isinstance(event, CompletionEnd):
                answers[event.completion_index] = (event, None)
            elif isinstance(event, CompletionResult) and event.rows is not None:
                attention = reduce_attention(event.rows, event.neutral)
                answers[event.end.completion_index] = (event.end, attention)
    if started is None or len(answers) != question.new_question.count:
        raise ModelError("The model ended before it had answered.")
    return started, [answers[index] for index in sorted(answers)]


def _request_body(item: ItemRecord, settings: GenerationSettings) -> dict[str, Any]:
    """The item as a page would ask it."""
    sampling = {
        "temperature": settings.temperature,
        "seed": settings.seed + item.position,
        "max_new_tokens": settings.max_new_tokens,
    }
    body: dict[str, Any] = {
        "slide": item.slide_id,
        "box": {side: getattr(item, side) for side in ("x", "y", "width", "height")},
        "question": item.question,
        "options": list(item.options),
        "count": settings.samples,
        "sampling": sampling,
    }
    return body | ({"task": item.task} if item.task else {})
