"""Whether an answer used what it looked at, asked afterwards of a reading that was kept."""

from __future__ import annotations

from models.attention import AttentionMap, attention_map, normalised
from models.deletion_check import AROUND, DeletionCheck, Verdict, deletion_check
from models.engines.base import Backend
from models.reasoning.trace import parse
from pathviewer.attention.map_json import SeenCompletion
from pathviewer.attention.passages import passages
from pathviewer.questions.ask import CLINICIAN
from pathviewer.questions.errors import ReadingRefused
from pathviewer.questions.rerun import budget_of, prompt_of
from storage.questions.records import NewDeletionCheck, ReadingRecord

STEP: dict[Verdict, str] = {
    "attended area mattered": "This step depends on the area the model looked at.",
    "image mattered": "This step depends on the region, but not more on the area the model looked "
    "at than on others.",
    "neither": "This step hardly depends on the region: the question and what is written before "
    "it give it.",
}
"""The verdicts on a step, for a person."""


def check_use(
    backend: Backend, record: ReadingRecord, picture: bytes, seen: SeenCompletion, passage: str
) -> NewDeletionCheck:
    """The check with the map of a passage, relative where it can be.

    A step is weighed as it is written, after what precedes it; of all else the answer is, without
    the reasoning, which alone would decide it. Raises ReadingRefused without an answer or such a
    passage, and what the backend raises.
    """
    trace = parse(seen.text)
    tokens = dict(passages(trace, seen.token_ends)).get(passage)
    if not trace.answer:
        raise ReadingRefused("The deletion check needs an answer, and the model gave none.")
    if tokens is None:
        raise ReadingRefused(f"This answer has no passage {passage[:20]!r}.")
    steps = {f"step {number}": step for number, step in enumerate(trace.steps, 1)}
    weighed, around = trace.answer, AROUND
    if passage in steps:
        start, stop = steps[passage].start, steps[passage].stop
        weighed, around = seen.text[start:stop], (seen.text[:start], seen.text[stop:])
    found = deletion_check(
        backend,
        prompt_of(record, picture),
        weighed,
        _looked(seen, tokens),
        around=around,
        budget=budget_of(record),
        priority=CLINICIAN,
    )
    sentence = STEP[found.verdict] if passage in steps else found.sentence
    return _new_check(passage, found, sentence)


def _looked(seen: SeenCompletion, tokens: range) -> AttentionMap:
    """Where some tokens looked, over where those of the neutral question did if that is known."""
    looked = attention_map(seen.attention.asked, (seen.placement,), 0, tokens)
    compared = seen.attention.compared
    if compared is None:
        return looked
    return normalised(looked, attention_map(compared, (seen.placement,), 0, range(1)))


def _new_check(passage: str, found: DeletionCheck, sentence: str) -> NewDeletionCheck:
    return NewDeletionCheck(
        passage=passage,
        as_is=found.as_is,
        blanked=found.blanked,
        attended_masked=found.attended_masked,
        random_masked=list(found.random_masked),
        verdict=found.verdict,
        sentence=sentence,
    )
