"""Encoding of a question, its picture and the correct words as a training sequence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models.messages import Prompt
from models.processing import PathologyProcessor, chat_messages
from models.prompts import QuestionText, build_prompt
from models.registry import DEFAULT_MODEL, list_models
from models.training.data.items import TrainingItem
from models.training.specimen.attention_supervision import (
    EvidenceSpan,
    cell_targets,
    find_evidence_spans,
)
from models.training.specimen.grammar import (
    DECIDED_WORDS,
    SHORT_QUESTION,
    short_answer,
    write_trace,
)

IGNORE_INDEX = -100
"""Label of a token that is not learnt."""
PICTURE_TENSORS = ("pixel_values", "image_grid_thw")
"""Tensors of a sequence with a picture."""

DECIDED_PATTERN = re.compile(
    rf"\b({'|'.join(sorted(DECIDED_WORDS, key=len, reverse=True))})\b"
    r"|,(?= which is not offered)| \((?=[A-Z]\))|(?<=\()[A-Z](?=\))|(?<=<answer>)[A-Z](?=<)"
)
"""Words of a completion that depend on the picture, on which options are offered and on their
letters.
"""


@dataclass(frozen=True)
class TrainingSequence:
    """A training sequence."""

    tensors: dict[str, Tensor]
    """`input_ids`, `mm_token_type_ids` (tokens,); with a picture also `PICTURE_TENSORS`."""
    labels: Tensor
    """(tokens,): the token itself in the completion, `IGNORE_INDEX` in the prompt."""
    decided: Tensor
    """(tokens,) bool: tokens that depend on the picture."""
    points: Tensor | None = None
    """(points,): positions of the queries with attention supervision."""
    aims: Tensor | None = None
    """(points, cells): their target attention over the picture's tokens."""


class Encoder:
    """Encodes sequences with a checkpoint's own processor, so training matches inference."""

    def __init__(self, processor: PathologyProcessor) -> None:
        self._processor = processor
        self.tokenizer = processor.tokenizer
        """The checkpoint's tokenizer."""
        self.model = next(m for m in list_models() if m.name == DEFAULT_MODEL)
        merged: int = processor.image_processor.merge_size
        self._merged = torch.tensor([1, merged, merged])
        self._end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def write_prompt(self, item: TrainingItem) -> Prompt:
        """Prompt of an item, without its picture."""
        return build_prompt(QuestionText(item.question, item.options), (), self.model)

    def encode_trace(
        self, item: TrainingItem, picture: Image.Image, rgb: NDArray[np.uint8] | None = None
    ) -> TrainingSequence:
        """Question with full trace; `rgb`, the picture as measured, adds attention supervision."""
        words = write_trace(item.question_type, item.facts, item.options, item.gold)
        sequence = self.encode(self.write_prompt(item), picture, words)
        return (
            sequence
            if rgb is None
            else self._add_evidence(sequence, words, find_evidence_spans(words, rgb))
        )

    def _add_evidence(
        self, sequence: TrainingSequence, words: str, claims: Sequence[EvidenceSpan]
    ) -> TrainingSequence:
        """Add target attention for the claims."""
        offsets = self.tokenizer(
            words, add_special_tokens=False, return_offsets_mapping=True
        ).offset_mapping
        first = (
            len(sequence.labels) - len(offsets) - 1
        )  # of the completion; its end-of-turn token is last
        _, rows, columns = (sequence.tensors["image_grid_thw"][0] // self._merged).tolist()
        points, aims = [], []
        for claim in claims:
            aim = cell_targets(claim.mask, rows, columns)
            for place, (start, stop) in enumerate(offsets):
                if start < claim.stop and claim.start < stop:
                    points.append(first + place - 1)  # the query before a token writes it
                    aims.append(aim)
        if not points:
            return sequence
        return replace(sequence, points=torch.tensor(points), aims=torch.stack(aims))

    def encode_short(self, item: TrainingItem, picture: Image.Image) -> TrainingSequence:
        """Question with short answer."""
        return self.encode(Prompt(SHORT_QUESTION), picture, short_answer(item.facts))

    def count_tokens(self, words: str) -> int:
        """Number of tokens of the words."""
        return len(self.tokenizer(words, add_special_tokens=False).input_ids)

    def encode(self, prompt: Prompt, picture: Image.Image | None, words: str) -> TrainingSequence:
        """Encode prompt, completion and end-of-turn token; without a picture if it is None."""
        inputs: Any = self._processor.apply_chat_template(
            [chat_messages(prompt, [picture] if picture else [])],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        )
        asked = inputs["input_ids"][0]
        written = self.tokenizer(words, add_special_tokens=False, return_offsets_mapping=True)
        completion_ids = torch.tensor([*written.input_ids, self._end])
        types = torch.cat([inputs["mm_token_type_ids"][0], torch.zeros_like(completion_ids)])
        spans = [match.span() for match in DECIDED_PATTERN.finditer(words)]
        decided = torch.tensor(
            [
                any(start < last and first < stop for first, last in spans)
                for start, stop in written.offset_mapping
            ]
            + [False]
        )
        picture_tensors = {name: inputs[name] for name in PICTURE_TENSORS if name in inputs}
        return TrainingSequence(
            {"input_ids": torch.cat([asked, completion_ids]), "mm_token_type_ids": types}
            | picture_tensors,
            torch.cat([torch.full_like(asked, IGNORE_INDEX), completion_ids]),
            torch.cat([torch.zeros_like(asked, dtype=torch.bool), decided]),
        )


def collate(sequences: Sequence[TrainingSequence]) -> dict[str, Tensor]:
    """Join sequences, all with pictures or none, into one batch, padded on the right.

    `labels` and `decided` are (batch, tokens). With attention supervision, `points` (n, 2) are the
    sequence and position of each query and `aims` (n, most cells) its target attention, padded with
    0.
    """

    def padded(rows: list[Tensor], filling: int) -> Tensor:
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=filling)

    tensors = [each.tensors for each in sequences]
    ids = [each["input_ids"] for each in tensors]
    picture_tensors = {
        name: torch.cat([each[name] for each in tensors])
        for name in PICTURE_TENSORS
        if name in tensors[0]
    }
    return (
        picture_tensors
        | _batch_points(sequences)
        | {
            "input_ids": padded(ids, 0),
            "attention_mask": padded([torch.ones_like(row) for row in ids], 0),
            "mm_token_type_ids": padded([each["mm_token_type_ids"] for each in tensors], 0),
            "labels": padded([each.labels for each in sequences], IGNORE_INDEX),
            "decided": padded([each.decided for each in sequences], 0),
        }
    )


def _batch_points(sequences: Sequence[TrainingSequence]) -> dict[str, Tensor]:
    """Points of a batch; empty if there are none."""
    points, aims = [], []
    for number, sequence in enumerate(sequences):
        if sequence.points is not None and sequence.aims is not None:
            points.append(
                torch.stack([torch.full_like(sequence.points, number), sequence.points], 1)
            )
            aims += list(sequence.aims)
    if not points:
        return {}
    return {
        "points": torch.cat(points),
        "aims": torch.nn.utils.rnn.pad_sequence(aims, batch_first=True),
    }
