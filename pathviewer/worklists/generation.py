"""Completions made beforehand, so that all raters judge the same text and nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from models.engines.base import Backend
from models.errors import ModelError
from models.messages import End, Started
from pathviewer.attention.archive import KeptAttention, kept
from pathviewer.questions.ask import Reading, ask
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.model_input import Pictures
from pathviewer.questions.request import Asked
from pathviewer.questions.request_body import asked_of
from pathviewer.questions.store import KeptReadings
from pathviewer.slides.errors import SlideError
from storage.comparisons.pairs import add_reading_beside, models_of_item
from storage.database import Database
from storage.errors import ConflictError
from storage.tables import LOCAL_ACCOUNT_ID
from storage.worklists.records import ItemRecord
from storage.worklists.store import freeze_item, list_items

LOADING_SECONDS = 0.2
"""Between two looks at a model that is loading."""
BATCH = 0
"""Priority of what nobody waits for."""


@dataclass(frozen=True)
class Manner:
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
class Made:
    """What came of it."""

    made: int = 0
    """Items that have completions now."""
    failed: list[str] = field(default_factory=list)
    """A sentence for each item that has none."""


def generate(
    database: Database,
    keep: KeptReadings,
    pictures: Pictures,
    backend: Backend,
    worklist_id: str,
    manner: Manner,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Made:
    """Make what is missing; an item is kept and frozen with all its completions, or not at all.

    What is missing is a reading, or with `manner.beside` one by this model and these weights.
    Broken off, it goes on with the next item that has none. Raises StorageError.
    """
    with database.reading() as session:
        items = list_items(session, worklist_id)
    told = Made()
    for number, item in enumerate(items, 1):
        if item.reading_id is None or (
            manner.beside and not _answered(database, item, pictures.model.name, backend)
        ):
            _make(keep, pictures, backend, item, manner, told)
        progress(number, len(items))
    return told


def _answered(database: Database, item: ItemRecord, model: str, backend: Backend) -> bool:
    """Whether this model, with the weights that are loaded, has answered an item."""
    while (
        backend.status().state == "starting"
    ):  # which weights they are is known once they are loaded
        time.sleep(LOADING_SECONDS)
    info = backend.status().info
    with database.reading() as session:
        known = models_of_item(session, item.id)
    return any(
        name == model and (info is None or revision == info.revision) for name, revision in known
    )


def _make(
    keep: KeptReadings,
    pictures: Pictures,
    backend: Backend,
    item: ItemRecord,
    manner: Manner,
    told: Made,
) -> None:
    try:
        asked = asked_of(_body(item, manner), LOCAL_ACCOUNT_ID, pictures)
    except (ReadingRefused, SlideError, ModelError) as error:
        told.failed.append(f"Item {item.position + 1}: {error}")
        return
    try:
        started, answers = _written(backend, asked)
        keep.add_whole(asked, started, answers, partial(_freeze, item))
    except ModelError as error:
        told.failed.append(f"Item {item.position + 1}: {error}")
    except ConflictError:
        return  # another run of the command has made it meanwhile
    else:
        told.made += 1


def _freeze(item: ItemRecord, session: Session, reading_id: str) -> None:
    if item.reading_id is None:
        freeze_item(session, item.id, reading_id)
    else:
        add_reading_beside(session, item.id, reading_id)


def _written(
    backend: Backend, asked: Asked
) -> tuple[Started, list[tuple[End, KeptAttention | None]]]:
    """All that the model writes, each answer with where it looked; raises ModelError.

    Nothing is kept before the last of it: a run that is killed leaves no half item behind.
    """
    events = ask(
        backend,
        asked.prompt,
        sampling=asked.sampling,
        budget=asked.budget,
        count=asked.new.count,
        priority=BATCH,
    )
    started: Started | None = None
    answers: dict[int, tuple[End, KeptAttention | None]] = {}
    with closing(events):
        for event in events:
            if isinstance(event, Started):
                started = event
            elif isinstance(event, End):
                answers[event.completion_index] = (event, None)
            elif isinstance(event, Reading) and event.rows is not None:
                look = kept(event.rows, event.neutral)
                answers[event.end.completion_index] = (event.end, look)
    if started is None or len(answers) != asked.new.count:
        raise ModelError("The model ended before it had answered.")
    return started, [answers[index] for index in sorted(answers)]


def _body(item: ItemRecord, manner: Manner) -> dict[str, Any]:
    """The item as a page would ask it."""
    sampling = {
        "temperature": manner.temperature,
        "seed": manner.seed + item.position,
        "max_new_tokens": manner.max_new_tokens,
    }
    told: dict[str, Any] = {
        "slide": item.slide_id,
        "box": {side: getattr(item, side) for side in ("x", "y", "width", "height")},
        "question": item.question,
        "options": list(item.options),
        "count": manner.samples,
        "sampling": sampling,
    }
    return told | ({"task": item.task} if item.task else {})
