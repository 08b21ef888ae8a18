"""Generation of a worklist's completions, so that all raters judge the same text."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.orm import Session

from models.engines.base import Engine
from models.errors import ModelError
from models.messages import CompletionEnd, GenerationStart
from pathviewer.attention.archive import StoredAttention, reduce_attention
from pathviewer.common.errors import UserError
from pathviewer.common.validation import read_value
from pathviewer.questions.ask import CompletionResult, ask
from pathviewer.questions.model_input import Pictures
from pathviewer.questions.preparation import PreparedQuestion, prepare_question
from pathviewer.questions.request import QuestionRequest
from pathviewer.questions.store import QuestionStore
from pathviewer.worklists import user_messages
from storage.comparisons.pairs import add_item_question, list_item_models
from storage.database import Database
from storage.errors import ConflictError
from storage.tables import LOCAL_ACCOUNT_ID
from storage.worklists.records import ItemRecord
from storage.worklists.store import freeze_item, list_items

LOADING_SECONDS = 0.2
"""Interval between two checks of a model that is loading."""
BATCH_PRIORITY = 0
"""Priority of requests that no user waits for."""


@dataclass(frozen=True)
class GenerationSettings:
    """Settings of the generation."""

    samples: int
    """Completions per item, 1 to 8."""
    temperature: float
    """Sampling temperature; 0 takes the likeliest token."""
    seed: int
    """Seed of the first item; each further item adds one."""
    max_new_tokens: int
    """Maximum tokens of a completion."""
    beside: bool = False
    """Whether items that other models have answered get another question, for comparison."""


@dataclass
class GenerationResult:
    """Result of a generation."""

    completed: int = 0
    """Items that got completions."""
    failed: list[str] = field(default_factory=list)
    """One sentence per failed item."""


def generate_completions(
    database: Database,
    store: QuestionStore,
    pictures: Pictures,
    engine: Engine,
    worklist_id: str,
    settings: GenerationSettings,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> GenerationResult:
    """Generate the missing completions of a worklist.

    An item is missing if it has no question or, with `settings.beside`, none by this model and
    these weights. An item is stored and frozen with all its completions or not at all, so an
    interrupted generation can be resumed. `progress` gets the done and total items. Raises
    StorageError.
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
    """Whether this model has answered an item with the loaded weights."""
    while engine.status().state == "starting":  # the revision is known after loading
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
        question = prepare_question(
            _question(item, settings), LOCAL_ACCOUNT_ID, pictures, engine.status().info
        )
    except (UserError, ModelError) as error:
        result.failed.append(user_messages.item_failed(item.position + 1, str(error)))
        return
    try:
        started, answers = _collect_answers(engine, question)
        store.add_with_completions(question, started, answers, partial(_freeze, item))
    except ModelError as error:
        result.failed.append(user_messages.item_failed(item.position + 1, str(error)))
    except ConflictError:
        return  # another process has generated it meanwhile
    else:
        result.completed += 1


def _freeze(item: ItemRecord, session: Session, question_id: str) -> None:
    if item.question_id is None:
        freeze_item(session, item.id, question_id)
    else:
        add_item_question(session, item.id, question_id)


def _collect_answers(
    engine: Engine, question: PreparedQuestion
) -> tuple[GenerationStart, list[tuple[CompletionEnd, StoredAttention | None]]]:
    """Ask the question; return all completions with their attention. Raises ModelError.

    Nothing is stored before the end, so a killed process leaves no partial item.
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
        raise ModelError(user_messages.ANSWERS_MISSING)
    return started, [answers[index] for index in sorted(answers)]


def _question(item: ItemRecord, settings: GenerationSettings) -> QuestionRequest:
    """Return the question that a page would ask about the item."""
    return read_value(
        QuestionRequest,
        slide=item.slide_id,
        box={"x": item.x, "y": item.y, "width": item.width, "height": item.height},
        question=item.question,
        options=list(item.options),
        task=item.task or None,
        count=settings.samples,
        sampling={
            "temperature": settings.temperature,
            "seed": settings.seed + item.position,
            "max_new_tokens": settings.max_new_tokens,
        },
    )
