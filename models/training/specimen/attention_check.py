"""Check of the embedded model's attention: does it lie on the evidence, and does it matter?

Phantom regions have a known quadrant with most nuclei. The correct trace is forced, and the
attention during the decisive step is compared with that of the same network with shuffled weights,
over the same text. Then the most attended tenth of the region is masked, and the words that name
the quadrant are scored again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.attention import (
    NEUTRAL_QUESTION,
    NEUTRAL_TOKENS,
    AttentionMap,
    attention_map,
    normalise_map,
)
from models.deletion_check import FILL, VERSION, DeletionCheck, deletion_check
from models.engines.base import Engine
from models.errors import ModelError
from models.evaluation.ask_items import PromptWriter, wait_until_ready
from models.evaluation.control_pictures import PictureControl, load_controlled_picture
from models.evaluation.items import EvaluationItem
from models.messages import Completion, CompletionEnd, GenerateRequest, Prompt, Sampling
from models.pictures import open_picture
from models.placement import place_picture
from models.reasoning.trace import parse, token_span
from models.resampling import difference_interval, permutation_p, share_interval
from models.scoring import option_index
from models.training.specimen.facts_column import read_facts
from models.training.specimen.grammar import CLAIM_VALUES, write_trace

CLAIM = "most nuclei"
CHANCE = 1 / len(CLAIM_VALUES[CLAIM])


@dataclass(frozen=True)
class ReferenceTrace:
    """The correct trace of a question, with the position of its decisive words."""

    text: str
    """Full completion."""
    step: tuple[int, int]
    """Span of the decisive step in characters, (start, stop)."""
    value: tuple[int, int]
    """Span of the words that name the quadrant in characters, (start, stop)."""
    quadrant: str
    """Correct quadrant."""


@dataclass(frozen=True)
class StepAttention:
    """One network's attention while it was forced to write the correct trace."""

    item: EvaluationItem
    """The question."""
    trace: ReferenceTrace
    """The forced trace."""
    attention: AttentionMap
    """Attention of the decisive step, relative to a neutral question."""

    @property
    def right(self) -> bool:
        """Whether the correct quadrant receives most of the attention."""
        return fullest_quadrant(self.attention.weights) == self.trace.quadrant


def with_quadrant(items: Sequence[EvaluationItem]) -> list[EvaluationItem]:
    """Questions for the fullest quadrant of a single tile, where it is known.

    Raises ModelError if there are none.
    """
    chosen = [
        item
        for item in items
        if item.question_type == "quadrant" and item.label and item.facts.get(CLAIM)
    ]
    if not chosen:
        message = "There is no question about the quadrants of a phantom; `train items` makes them."
        raise ModelError(message)
    return chosen


def reference_trace(item: EvaluationItem) -> ReferenceTrace:
    """Correct trace of a question. Raises ModelError if its facts name no quadrant."""
    facts = read_facts(item.facts)
    quadrant = facts.nominal(CLAIM) if facts else None
    if facts is None or quadrant is None:
        message = f"The facts of question {item.id} name no quadrant."
        raise ModelError(message)
    place_of = option_index(item.gold, item.options) if item.options else None
    letter = item.gold if place_of is None else chr(65 + place_of)
    text = write_trace(item.question_type, facts, item.options, letter)
    start = text.index(f"{CLAIM.capitalize()}: {quadrant}") + len(CLAIM) + 2
    step = next(step for step in parse(text).steps if step.start <= start < step.stop)
    return ReferenceTrace(text, (step.start, step.stop), (start, start + len(quadrant)), quadrant)


def fullest_quadrant(weights: NDArray[np.float32]) -> str:
    """Quadrant with most weight, from (rows, columns); a middle row or column counts half each."""
    rows, columns = weights.shape
    upper = np.clip(rows / 2 - np.arange(rows), 0, 1)
    left = np.clip(columns / 2 - np.arange(columns), 0, 1)
    sums = {
        f"{down} {across}": float(by_row @ weights @ by_column)
        for down, by_row in (("upper", upper), ("lower", 1 - upper))
        for across, by_column in (("left", left), ("right", 1 - left))
    }
    return max(sums, key=lambda name: sums[name])


def write_neutral_answers(
    engine: Engine, items: Sequence[EvaluationItem], write: PromptWriter
) -> Iterator[Completion]:
    """A model's completions of the neutral question on each picture."""
    for item in items:
        request = GenerateRequest(
            request_id=f"neutral-{uuid.uuid4().hex}",
            prompt=neutral_prompt(write_prompt(item, write)),
            sampling=Sampling(max_new_tokens=NEUTRAL_TOKENS),
            attention=False,
        )
        ends = [event for event in engine.generate(request) if isinstance(event, CompletionEnd)]
        yield ends[0].completion


def attend_to_step(
    engine: Engine, item: EvaluationItem, neutral: Completion, write: PromptWriter
) -> StepAttention:
    """Attention on the decisive step, relative to that on the neutral completion."""
    trace, prompt = reference_trace(item), write_prompt(item, write)
    completion = Completion(trace.text)
    # (tokens,): by the network's own tokenizer
    ends = engine.score([(prompt, completion)])[0].token_ends
    step = _map(engine, prompt, completion, token_span(*trace.step, ends))
    neutral_map = _map(engine, neutral_prompt(prompt), neutral)
    return StepAttention(item, trace, normalise_map(step, neutral_map))


def mask_check(engine: Engine, attended: StepAttention, write: PromptWriter) -> DeletionCheck:
    """Score the words that name the quadrant with the attended cells masked, or other places."""
    trace = attended.trace
    start, stop = trace.value
    around = trace.text[:start], trace.text[stop:]
    return deletion_check(
        engine,
        write_prompt(attended.item, write),
        trace.text[start:stop],
        attended.attention,
        around=around,
        complete=True,
    )


def share_less_harmful(check: DeletionCheck) -> float:
    """Share of other places that leave the words likelier when masked; ties count half."""
    others = np.array(check.random_masked)
    if not others.size:
        return 0.5
    return float(
        np.mean((others > check.attended_masked) + 0.5 * (others == check.attended_masked))
    )


def attention_check(
    engine: Engine,
    shuffled: Engine,
    items: Sequence[EvaluationItem],
    write: PromptWriter,
    progress: Callable[[int], None] = lambda _done: None,
) -> dict[str, Any]:
    """All figures as JSON values, explained in `docs/evaluation.md`."""
    info = wait_until_ready(engine)
    wait_until_ready(shuffled)
    attended, shuffled_attended, checks = [], [], []
    for item, neutral in zip(items, write_neutral_answers(engine, items, write), strict=True):
        attended.append(attend_to_step(engine, item, neutral, write))
        shuffled_attended.append(attend_to_step(shuffled, item, neutral, write))
        checks.append(mask_check(engine, attended[-1], write))
        progress(1)
    groups = [item.group for item in items]
    return {
        "model": info.name,
        "revision": info.revision,
        "n": len(items),
        "groups": len(set(groups)),
        "chance": CHANCE,
        **_share("right", [result.right for result in attended], groups),
        **_share("shuffled", [each.right for each in shuffled_attended], groups),
        **_paired(
            [a.right - b.right for a, b in zip(attended, shuffled_attended, strict=True)], groups
        ),
        "image_share": float(np.mean([each.attention.image_share for each in attended])),
        **_masked(checks, groups),
    }


def _masked(checks: Sequence[DeletionCheck], groups: Sequence[str]) -> dict[str, Any]:
    verdicts = [check.verdict for check in checks]
    more = [share_less_harmful(check) for check in checks]
    lost = [np.log(check.random_mean / max(check.attended_masked, 1e-300)) for check in checks]
    return {
        **_share("masking_hurts_more", more, groups),
        "masking_p": permutation_p([share - 0.5 for share in more], groups),
        "masking_factor": float(np.exp(np.mean(lost))),
        "fill": FILL,
        "version": VERSION,
        "verdicts": {name: verdicts.count(name) for name in sorted(set(verdicts))},
    }


def _share(name: str, values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    interval = share_interval([float(value) for value in values], groups)
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _paired(values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    interval = difference_interval([float(value) for value in values], groups)
    return {
        "difference": interval.mean if interval else None,
        "difference_low": interval.low if interval else None,
        "difference_high": interval.high if interval else None,
        "p": permutation_p([float(value) for value in values], groups),
    }


def write_prompt(item: EvaluationItem, write: PromptWriter) -> Prompt:
    """Prompt of a question with its picture as it is."""
    return write(item, load_controlled_picture(item.image, PictureControl()))


def neutral_prompt(prompt: Prompt) -> Prompt:
    """The neutral question about the same pictures."""
    return Prompt(NEUTRAL_QUESTION, prompt.images, prompt.system)


def _map(
    engine: Engine, prompt: Prompt, completion: Completion, tokens: range | None = None
) -> AttentionMap:
    """Raw map of some tokens of an existing completion; `tokens` None takes all."""
    status = engine.status()
    image = prompt.images[0]
    if status.info is None:
        raise ModelError(status.sentence)
    placed = place_picture(image.box, *open_picture(image.data).size, status.info.budget)
    rows = engine.attend(prompt, completion)
    return attention_map(rows, [placed], 0, tokens or range(len(rows.rows)))
