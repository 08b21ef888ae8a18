"""Replay of existing completions: their probabilities and attention rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache

from models.capture import PictureColumns, Replay, capture_into
from models.engines import user_messages
from models.engines.local.checkpoint_loading import LoadedModel
from models.engines.local.generation import check_length
from models.engines.local.prompt_cache import embed_tokens, read_prefix, rope_positions
from models.engines.local.token_text import token_ends
from models.errors import PromptError
from models.messages import AttentionRows, Completion, PixelBudget, Prompt, TokenScores
from models.processing import PreparedPrompt, pad_prompts, prepare_prompt

BATCH_ITEMS = 16
"""Most completions per batch."""

BATCH_TOKENS = 8192
"""Most tokens per batch, including padding; a longer completion forms its own batch."""


@dataclass(frozen=True)
class ReplayItem:
    """A completion with its prompt."""

    index: int
    """Position among the requested items."""
    prompt: PreparedPrompt
    """The prompt, on the device."""
    token_ids: tuple[int, ...]
    """Tokens of the completion."""

    @property
    def tokens(self) -> int:
        """Tokens of prompt and completion."""
        return self.prompt.tokens + len(self.token_ids)


def score(
    loaded: LoadedModel,
    pairs: Sequence[tuple[Prompt, Completion]],
    budget: PixelBudget | None,
) -> list[TokenScores]:
    """Log-probability of each completion's tokens, given its prompt; each prompt is read once."""
    scores: list[TokenScores] = []
    for start in range(0, len(pairs), BATCH_ITEMS):
        scores += score_together(loaded, pairs[start : start + BATCH_ITEMS], budget)
    return scores


def score_together(
    loaded: LoadedModel, pairs: Sequence[tuple[Prompt, Completion]], budget: PixelBudget | None
) -> list[TokenScores]:
    """The same for few enough items that their pictures fit into memory together."""
    prompts = {
        prompt: prepare_prompt(loaded.processor, prompt, budget).to(loaded.device)
        for prompt in {prompt for prompt, _ in pairs}
    }
    items = [
        ReplayItem(index, prompts[prompt], tokens_of(loaded, completion))
        for index, (prompt, completion) in enumerate(pairs)
    ]
    for item in items:
        check_length(loaded, item.tokens - 1)
    scores: dict[int, torch.Tensor] = {}
    with torch.inference_mode():
        for batch in batches(items):
            scores |= logprobs(loaded, batch)
    return [
        TokenScores(
            item.token_ids,
            token_ends(loaded.token_bytes, item.token_ids),
            scores[item.index].cpu().numpy(),
        )
        for item in items
    ]


def attend(
    loaded: LoadedModel, prompt: Prompt, completion: Completion, budget: PixelBudget | None
) -> AttentionRows:
    """Attention rows of an existing completion."""
    prepared = prepare_prompt(loaded.processor, prompt, budget).to(loaded.device)
    item = ReplayItem(0, prepared, tokens_of(loaded, completion))
    check_length(loaded, item.tokens - 1)
    layers, pictures = loaded.info.layers, int(prepared.pictures.sum())
    if not item.token_ids:
        return AttentionRows("", 0, 0, np.zeros((0, layers, pictures), np.float32))
    replay = Replay(layers, PictureColumns(prepared.pictures, prepared.tensors["attention_mask"]))
    with torch.inference_mode(), capture_into(replay):
        prefill = read_prompts(loaded, prepared)
        replay.last_only = False
        read_completions(loaded, [item], [0], prefill)
    return AttentionRows("", 0, 0, replay.rows()[0].cpu().numpy())


def tokens_of(loaded: LoadedModel, completion: Completion) -> tuple[int, ...]:
    """A completion's own tokens, or those of its text; raises PromptError for another model's."""
    if completion.token_ids:
        size = loaded.network.config.text_config.vocab_size
        strange = [token for token in completion.token_ids if not 0 <= token < size]
        if strange:
            raise PromptError(user_messages.unknown_token(strange[0], size, loaded.info.name))
        return completion.token_ids
    ids = loaded.processor.tokenizer.encode(
        completion.text, add_special_tokens=False, split_special_tokens=True
    )
    return tuple(ids)


def batches(items: Sequence[ReplayItem]) -> Iterator[list[ReplayItem]]:
    """Group items of similar length into batches within the bounds."""
    batch: list[ReplayItem] = []
    for item in sorted(items, key=lambda item: item.tokens):
        full = len(batch) == BATCH_ITEMS or (len(batch) + 1) * item.tokens > BATCH_TOKENS
        if batch and full:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def logprobs(loaded: LoadedModel, batch: Sequence[ReplayItem]) -> dict[int, torch.Tensor]:
    """By item index, (tokens,) float32 log-probabilities of its tokens."""
    distinct = list({id(item.prompt): item.prompt for item in batch}.values())
    row_of = {id(prompt): row for row, prompt in enumerate(distinct)}
    rows = [row_of[id(item.prompt)] for item in batch]
    together = pad_prompts(distinct, loaded.pad_id)
    prefill = read_prompts(loaded, together)
    first = prefill.logits[rows]  # (items, 1, vocabulary)
    rest = read_completions(loaded, batch, rows, prefill)
    scores = {}
    for number, item in enumerate(batch):
        count = len(item.token_ids)
        logits = first[number, :count]
        if rest is not None and count > 1:
            logits = torch.cat([logits, rest[number, : count - 1]])
        chosen = torch.tensor(item.token_ids, dtype=torch.long, device=loaded.device)
        weighed = logits.float().log_softmax(-1)
        scores[item.index] = weighed.gather(1, chosen[:, None])[:, 0]
    return scores


@dataclass(frozen=True)
class Prefill:
    """State after a forward pass over a batch of prompts."""

    logits: torch.Tensor
    """(prompts, 1, vocabulary): logits of the next token."""
    cache: Any
    """transformers' cache of keys and values."""
    mask: torch.Tensor
    """(prompts, tokens): 0 for padding."""
    positions: torch.Tensor
    """(prompts, 1): position of the next token; a picture takes fewer positions than tokens."""


def read_prompts(loaded: LoadedModel, prompts: PreparedPrompt) -> Prefill:
    """Run a forward pass over prompts; of one prompt, only over what follows its prefix."""
    mask = prompts.tensors["attention_mask"]
    positions, deltas = rope_positions(loaded, prompts)
    cache = DynamicCache() if len(mask) > 1 else read_prefix(loaded, prompts, positions)
    first = cache.get_seq_length()
    output = loaded.network(
        inputs_embeds=embed_tokens(loaded, prompts, first),
        attention_mask=mask,
        position_ids=positions[..., first:],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return Prefill(output.logits, cache, mask, mask.sum(1, keepdim=True) + deltas)


def read_completions(
    loaded: LoadedModel, batch: Sequence[ReplayItem], rows: Sequence[int], prefill: Prefill
) -> torch.Tensor | None:
    """(items, longest - 1, vocabulary): logits after each token but the last; None if empty.

    `rows` gives the prompt that each item follows; the prompts' cache is consumed.
    """
    inputs = [torch.tensor(item.token_ids[:-1], dtype=torch.long) for item in batch]
    tokens = pad_sequence(inputs, batch_first=True, padding_value=loaded.pad_id).to(loaded.device)
    if not tokens.shape[1]:
        return None
    chosen = torch.tensor(rows, device=loaded.device)
    prefill.cache.batch_select_indices(chosen)
    positions = prefill.positions[chosen] + torch.arange(tokens.shape[1], device=loaded.device)
    output = loaded.network(
        input_ids=tokens,  # padded on the right, where no real token attends
        attention_mask=torch.cat([prefill.mask[chosen], torch.ones_like(tokens)], 1),
        position_ids=positions.expand(3, -1, -1),
        past_key_values=prefill.cache,
        use_cache=True,
    )
    logits: torch.Tensor = output.logits
    return logits
