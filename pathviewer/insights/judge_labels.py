"""Judging of clinician-labelled traces, for comparing the judge with clinicians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.judges.base import Judge, JudgeInput
from models.reward import EVENTS
from storage.errors import BlobError
from storage.feedback.judge_labels import UnlabelledTrace, add_judge_labels, list_unlabelled_traces

if TYPE_CHECKING:
    from storage.blobs import BlobStore
    from storage.database import Database

BATCH_SIZE = 16
"""Traces per call to the judge; each batch is stored before the next call."""

ProgressStep = Callable[[int, int], None]
"""Receives the numbers of judged and of all traces."""


@dataclass(frozen=True)
class JudgeRun:
    """Result of a run."""

    judged: int
    """Traces that received the judge's labels."""

    abstained: int
    """Traces on which the judge abstained; the next run asks again."""

    unreadable: int
    """Traces with a damaged or missing picture."""


def judge_labelled_traces(
    database: Database,
    blobs: BlobStore,
    judge: Judge,
    name: str,
    limit: int,
    step: ProgressStep = lambda _done, _all: None,
) -> JudgeRun:
    """Judge up to `limit` traces and store the labels under the judge's name.

    Stored labels remain if a later error of the judge ends the run.
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
