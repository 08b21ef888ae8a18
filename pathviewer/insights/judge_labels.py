"""Having traces judged that clinicians labelled, so that the judge can be held against them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.judges.judge import Judge, JudgeInput
from models.process_score import EVENTS
from storage.errors import BlobError
from storage.feedback.judge_labels import UnlabelledTrace, add_judge_labels, list_unlabelled_traces

if TYPE_CHECKING:
    from storage.blobs import BlobStore
    from storage.database import Database

BATCH_SIZE = 16
"""Traces put to the judge together; kept before the next ones are asked about."""

ProgressStep = Callable[[int, int], None]
"""Told how many traces are through, of how many."""


@dataclass(frozen=True)
class JudgeRun:
    """How a run went."""

    judged: int
    """Traces that have the judge's labels now."""

    abstained: int
    """Traces of which the judge could not tell; asked about again by the next run."""

    unreadable: int
    """Traces whose picture is damaged or gone."""


def judge_labelled_traces(
    database: Database,
    blobs: BlobStore,
    judge: Judge,
    name: str,
    limit: int,
    step: ProgressStep = lambda _done, _all: None,
) -> JudgeRun:
    """Put up to `limit` traces to a judge and keep what it finds, under its name.

    What was kept stays when a later trace ends the run with an error of the judge's.
    """
    with database.read_only() as session:
        traces_to_judge = list_unlabelled_traces(session, name, limit)
    pictures = {each.completion_id: _picture(blobs, each.pixels_sha256) for each in traces_to_judge}
    readable = [each for each in traces_to_judge if pictures[each.completion_id] is not None]
    labelled_count = 0
    for start in range(0, len(readable), BATCH_SIZE):
        batch = readable[start : start + BATCH_SIZE]
        traces = [_trace(each, pictures[each.completion_id] or b"") for each in batch]
        verdicts = judge.judge(traces)
        with database.session() as session:
            for each, verdict in zip(batch, verdicts, strict=True):
                if verdict is not None:
                    events = verdict.events & EVENTS.keys()
                    add_judge_labels(session, name, each.completion_id, events)
                    labelled_count += 1
        step(start + len(batch), len(readable))
    return JudgeRun(
        labelled_count, len(readable) - labelled_count, len(traces_to_judge) - len(readable)
    )


def _picture(blobs: BlobStore, sha256: str) -> bytes | None:
    try:
        return blobs.get(sha256)
    except BlobError:
        return None


def _trace(source: UnlabelledTrace, picture: bytes) -> JudgeInput:
    return JudgeInput(
        completion=source.text,
        question=source.question,
        options=tuple(source.options),
        gold=source.reference_answer or "not known",
        question_type=source.task or "",
        images=(picture,),
        id=source.completion_id,
    )
