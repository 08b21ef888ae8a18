"""Whether a model looks where the truth lies, and whether what it looked at matters to it.

Phantom regions have a quadrant that is known to hold most nuclei. The right trace is put into the
model's mouth and its attention read while it writes the decisive step, beside the attention of the
same network with its weights shuffled, over the same text. Then the most attended tenth of the
region is masked, and the words that name the quadrant are weighed again.
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
    normalised,
)
from models.deletion_check import DeletionCheck, deletion_check
from models.engines.base import Backend
from models.errors import ModelError
from models.evaluation.ask_items import PromptWriter, wait_until_ready
from models.evaluation.control_pictures import PictureControl, show
from models.evaluation.items import EvaluationItem
from models.messages import Completion, End, GenerateRequest, Prompt, Sampling
from models.pictures import open_picture
from models.placement import place
from models.reasoning.trace import parse, token_span
from models.resampling import difference_interval, permutation_p, share_interval
from models.scoring import option_index
from models.training.specimen.facts_column import read_facts
from models.training.specimen.grammar import CLAIM_VALUES, write_trace

CLAIM = "most nuclei"
CHANCE = 1 / len(CLAIM_VALUES[CLAIM])


@dataclass(frozen=True)
class Told:
    """The right trace of a question, and where its decisive words stand."""

    text: str
    """The whole completion."""
    step: tuple[int, int]
    """Characters of the decisive step, (start, stop)."""
    value: tuple[int, int]
    """Characters that name the quadrant, (start, stop)."""
    quadrant: str
    """The right one."""


@dataclass(frozen=True)
class Looked:
    """What one network looked at while it was made to write a question's right trace."""

    item: EvaluationItem
    """The question."""
    told: Told
    """What it wrote."""
    attention: AttentionMap
    """Of the decisive step, relative to a neutral question."""

    @property
    def right(self) -> bool:
        """Whether the right quadrant holds most of the attention."""
        return fullest(self.attention.weights) == self.told.quadrant


def with_quadrant(items: Sequence[EvaluationItem]) -> list[EvaluationItem]:
    """Questions for the fullest quadrant of a single tile, where it is known.

    Raises ModelError if there are none.
    """
    found = [
        item
        for item in items
        if item.question_type == "quadrant" and item.label and item.facts.get(CLAIM)
    ]
    if not found:
        message = "There is no question about the quadrants of a phantom; `train items` makes them."
        raise ModelError(message)
    return found


def told_of(item: EvaluationItem) -> Told:
    """The right trace of a question. Raises ModelError if its facts name no quadrant."""
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
    return Told(text, (step.start, step.stop), (start, start + len(quadrant)), quadrant)


def fullest(weights: NDArray[np.float32]) -> str:
    """The quadrant with most weight, (rows, columns); a middle row or column counts half each."""
    rows, columns = weights.shape
    upper = np.clip(rows / 2 - np.arange(rows), 0, 1)
    left = np.clip(columns / 2 - np.arange(columns), 0, 1)
    sums = {
        f"{down} {across}": float(by_row @ weights @ by_column)
        for down, by_row in (("upper", upper), ("lower", 1 - upper))
        for across, by_column in (("left", left), ("right", 1 - left))
    }
    return max(sums, key=lambda name: sums[name])


def neutral_answers(
    backend: Backend, items: Sequence[EvaluationItem], write: PromptWriter
) -> Iterator[Completion]:
    """What a model says to the neutral question on each picture."""
    for item in items:
        request = GenerateRequest(
            request_id=f"neutral-{uuid.uuid4().hex}",
            prompt=_neutral(_prompt(item, write)),
            sampling=Sampling(max_new_tokens=NEUTRAL_TOKENS),
            attention=False,
        )
        ends = [event for event in backend.generate(request) if isinstance(event, End)]
        yield ends[0].completion


def look(
    backend: Backend, item: EvaluationItem, neutral: Completion, write: PromptWriter
) -> Looked:
    """A network's attention on the decisive step, relative to that on the neutral answer."""
    told, prompt = told_of(item), _prompt(item, write)
    completion = Completion(told.text)
    # (tokens,): by the network's own tokenizer
    ends = backend.score([(prompt, completion)])[0].token_ends
    step = _map(backend, prompt, completion, token_span(*told.step, ends))
    return Looked(item, told, normalised(step, _map(backend, _neutral(prompt), neutral)))


def mask_check(backend: Backend, looked: Looked, write: PromptWriter) -> DeletionCheck:
    """The words that name the quadrant weighed with what was looked at masked, or other places."""
    told = looked.told
    start, stop = told.value
    around = told.text[:start], told.text[stop:]
    return deletion_check(
        backend,
        _prompt(looked.item, write),
        told.text[start:stop],
        looked.attention,
        around=around,
    )


def hurts_more(check: DeletionCheck) -> float:
    """Share of the other places that, masked, leave the words likelier; ties count half."""
    others = np.array(check.random_masked)
    if not others.size:
        return 0.5
    return float(
        np.mean((others > check.attended_masked) + 0.5 * (others == check.attended_masked))
    )


def attention_check(
    backend: Backend,
    shuffled: Backend,
    items: Sequence[EvaluationItem],
    write: PromptWriter,
    progress: Callable[[int], None] = lambda _done: None,
) -> dict[str, Any]:
    """All figures, as JSON values: `docs/evaluation.md` says what each means."""
    info = wait_until_ready(backend)
    wait_until_ready(shuffled)
    seen, blind, checks = [], [], []
    for item, neutral in zip(items, neutral_answers(backend, items, write), strict=True):
        seen.append(look(backend, item, neutral, write))
        blind.append(look(shuffled, item, neutral, write))
        checks.append(mask_check(backend, seen[-1], write))
        progress(1)
    groups = [item.group for item in items]
    return {
        "model": info.name,
        "revision": info.revision,
        "n": len(items),
        "groups": len(set(groups)),
        "chance": CHANCE,
        **_share("right", [each.right for each in seen], groups),
        **_share("shuffled", [each.right for each in blind], groups),
        **_paired([a.right - b.right for a, b in zip(seen, blind, strict=True)], groups),
        "image_share": float(np.mean([each.attention.image_share for each in seen])),
        **_masked(checks, groups),
    }


def _masked(checks: Sequence[DeletionCheck], groups: Sequence[str]) -> dict[str, Any]:
    verdicts = [check.verdict for check in checks]
    more = [hurts_more(check) for check in checks]
    lost = [np.log(check.random_mean / max(check.attended_masked, 1e-300)) for check in checks]
    return {
        **_share("masking_hurts_more", more, groups),
        "masking_p": permutation_p([each - 0.5 for each in more], groups),
        "masking_factor": float(np.exp(np.mean(lost))),
        "verdicts": {name: verdicts.count(name) for name in sorted(set(verdicts))},
    }


def _share(name: str, values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    found = share_interval([float(value) for value in values], groups)
    if found is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}


def _paired(values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    found = difference_interval([float(value) for value in values], groups)
    return {
        "difference": found.mean if found else None,
        "difference_low": found.low if found else None,
        "difference_high": found.high if found else None,
        "p": permutation_p([float(value) for value in values], groups),
    }


def _prompt(item: EvaluationItem, write: PromptWriter) -> Prompt:
    return write(item, show(item.image, PictureControl()))


def _neutral(prompt: Prompt) -> Prompt:
    return Prompt(NEUTRAL_QUESTION, prompt.images, prompt.system)


def _map(
    backend: Backend, prompt: Prompt, completion: Completion, tokens: range | None = None
) -> AttentionMap:
    """The raw map of some tokens of a completion that is already written; None takes all."""
    status = backend.status()
    image = prompt.images[0]
    if status.info is None:
        raise ModelError(status.sentence)
    placed = place(image.box, *open_picture(image.data).size, status.info.budget)
    rows = backend.attend(prompt, completion)
    return attention_map(rows, [placed], 0, tokens or range(len(rows.rows)))
