"""Deletion check of a stored completion: does it depend on the area the model attended to?"""

from __future__ import annotations

from dataclasses import asdict

from models.attention import AttentionMap, attention_map, normalise_map
from models.deletion_check import CheckMethod, DeletionCheck, deletion_check
from models.engines.base import Engine
from models.evidence import Target, find_target
from models.reasoning.trace import parse
from pathviewer.attention.map_json import CompletionAttention
from pathviewer.attention.passages import find_passages
from pathviewer.questions import user_messages
from pathviewer.questions.ask import INTERACTIVE_PRIORITY
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.rerun import pixel_budget, rebuild_prompt
from storage.questions.records import NewDeletionCheck, QuestionRecord


def check_attention_use(
    engine: Engine,
    record: QuestionRecord,
    picture: bytes,
    completion: CompletionAttention,
    passage: str,
    method: CheckMethod,
) -> NewDeletionCheck:
    """Test the map of a passage, relative if there is neutral attention.

    A step is weighed after the text before it, any other passage as the answer without reasoning.
    Raises QuestionRefused if the answer or the passage is missing, and the engine's errors.
    """
    target, tokens = _find_words(completion, passage)
    result = deletion_check(
        engine,
        rebuild_prompt(record, picture),
        target.words,
        _relative_map(completion, tokens),
        around=target.around,
        budget=pixel_budget(record),
        method=method,
        priority=INTERACTIVE_PRIORITY,
    )
    return _new_check(passage, result)


def _find_words(completion: CompletionAttention, passage: str) -> tuple[Target, range]:
    """Return the words to weigh, and the tokens whose map is tested."""
    trace = parse(completion.text)
    if not trace.answer:
        raise QuestionRefused(user_messages.ANSWER_MISSING)
    tokens = dict(find_passages(trace, completion.token_ends)).get(passage)
    target = find_target(trace, completion.text, passage if _is_step(passage) else "answer")
    if tokens is None or target is None:
        raise QuestionRefused(user_messages.passage_missing(passage[:20]))
    return target, tokens


def _is_step(passage: str) -> bool:
    return passage.startswith("step ")


def _relative_map(completion: CompletionAttention, tokens: range) -> AttentionMap:
    """Return the map of some tokens, relative to the neutral question if there is one."""
    raw = attention_map(completion.attention.completion_rows, (completion.placement,), 0, tokens)
    neutral_rows = completion.attention.neutral_rows
    if neutral_rows is None:
        return raw
    return normalise_map(raw, attention_map(neutral_rows, (completion.placement,), 0, range(1)))


def _new_check(passage: str, result: DeletionCheck) -> NewDeletionCheck:
    sentence = result.sentence
    if _is_step(passage):
        sentence = user_messages.STEP_SENTENCES[result.verdict]
    controls = result.method.controls
    return NewDeletionCheck(
        passage=passage,
        as_is=result.as_is,
        blanked=result.blanked,
        attended_masked=result.attended_masked,
        random_masked=list(result.random_masked),
        verdict=result.verdict,
        sentence=sentence,
        fill=result.method.fill,
        version=result.method.version,
        controls=asdict(controls) if controls else None,
    )
