"""Completions made beforehand, so that all raters judge the same text and nobody waits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from models.backends.base import Backend
from models.errors import ModelError
from pathviewer.api.asked_body import asked_of
from pathviewer.reading.ask import ask
from pathviewer.reading.asked import Asked
from pathviewer.reading.errors import ReadingRefused
from pathviewer.reading.kept import KeptReadings
from pathviewer.reading.live import LiveReading
from pathviewer.reading.question import Pictures
from pathviewer.slides.errors import SlideError
from storage.database import Database
from storage.pairs import add_reading_beside, models_of_item
from storage.tables import LOCAL_ACCOUNT_ID
from storage.worklist_records import ItemRecord
from storage.worklists import freeze_item, list_items

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
    """Make what is missing; an item is frozen when all its completions are kept.

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
            _make(database, keep, pictures, backend, item, manner, told)
        progress(number, len(items))
    return told


def _answered(database: Database, item: ItemRecord, model: str, backend: Backend) -> bool:
    """Whether this model, with the weights that are loaded, has answered an item."""
    info = backend.status().info
    with database.reading() as session:
        known = models_of_item(session, item.id)
    return any(
        name == model and (info is None or revision == info.revision) for name, revision in known
    )


def _make(
    database: Database,
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
    reading = LiveReading(keep.add(asked), keep)
    failure = _hear(backend, asked, reading)
    if failure:
        told.failed.append(f"Item {item.position + 1}: {failure}")
        return
    with database.session() as session:
        if item.reading_id is None:
            freeze_item(session, item.id, reading.id)
        else:
            add_reading_beside(session, item.id, reading.id)
    told.made += 1


def _hear(backend: Backend, asked: Asked, reading: LiveReading) -> str | None:
    """Let the model write; why it could not, or None."""
    events = ask(
        backend,
        asked.prompt,
        sampling=asked.sampling,
        budget=asked.budget,
        count=asked.new.count,
        priority=BATCH,
        request_id=reading.id,
    )
    try:
        with closing(events):
            for event in events:
                reading.hear(event)
    except ModelError as error:
        reading.end("failed", str(error))
        return str(error)
    except KeyboardInterrupt:
        reading.end("stopped")
        raise
    reading.end("done")
    return None


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
