"""Whether an answer used what it looked at, asked afterwards of a reading that was kept."""

from __future__ import annotations

from models.attention import attention_map, normalised
from models.backends.base import Backend
from models.deletion import DeletionCheck, deletion_check
from models.reasoning import parse
from pathviewer.reading.ask import CLINICIAN
from pathviewer.reading.asking_again import budget_of, prompt_of
from pathviewer.reading.errors import ReadingRefused
from pathviewer.reading.map_values import SeenCompletion
from pathviewer.reading.passages import passages
from storage.reading_records import NewDeletionCheck, ReadingRecord


def check_use(
    backend: Backend, record: ReadingRecord, picture: bytes, seen: SeenCompletion, passage: str
) -> NewDeletionCheck:
    """The check of an answer with the map of one of its passages, relative where it can be.

    Raises ReadingRefused without an answer or such a passage, and what the backend raises.
    """
    trace = parse(seen.text)
    tokens = dict(passages(trace, seen.token_ends)).get(passage)
    if not trace.answer:
        raise ReadingRefused("The deletion check needs an answer, and the model gave none.")
    if tokens is None:
        raise ReadingRefused(f"This answer has no passage {passage[:20]!r}.")
    looked = attention_map(seen.attention.asked, (seen.placement,), 0, tokens)
    compared = seen.attention.compared
    if compared is not None:
        looked = normalised(looked, attention_map(compared, (seen.placement,), 0, range(1)))
    found = deletion_check(
        backend,
        prompt_of(record, picture),
        trace.answer,
        looked,
        budget=budget_of(record),
        priority=CLINICIAN,
    )
    return _new_check(passage, found)


def _new_check(passage: str, found: DeletionCheck) -> NewDeletionCheck:
    return NewDeletionCheck(
        passage=passage,
        as_is=found.as_is,
        blanked=found.blanked,
        attended_masked=found.attended_masked,
        random_masked=list(found.random_masked),
        verdict=found.verdict,
        sentence=found.sentence,
    )
