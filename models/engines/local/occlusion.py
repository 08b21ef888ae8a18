"""Occlusion of visual tokens: batched replays of one prefill."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from models.engines import user_messages
from models.engines.local.checkpoint_loading import LoadedModel
from models.engines.local.generation import check_length
from models.engines.local.prompt_cache import embed_pictures, read_prefix
from models.engines.local.replay import BATCH_TOKENS, ReplayItem, tokens_of
from models.errors import CancelledError, PromptError
from models.messages import OcclusionRequest
from models.occlusion import OcclusionRows
from models.placement import token_columns
from models.processing import PreparedPrompt, prepare_prompt
from models.user_messages import REQUEST_CANCELLED

BATCH_PLACES = 16
"""Most places per batch."""
BATCH_LOGITS = 2**27
"""Most logits per batch, 512 MiB in float32."""


@dataclass(frozen=True)
class EmbeddedText:
    """A prompt with its completion as embeddings, and the picture's place in it."""

    embeddings: torch.Tensor
    """(1, tokens, width): of prompt and completion, but for its last token."""
    positions: torch.Tensor
    """(3, 1, tokens): rope positions."""
    columns: torch.Tensor
    """(cells,): position of each cell's token, in row-major order."""
    grid: tuple[int, int]
    """Rows and columns of the cells."""
    mean: torch.Tensor
    """(width,): the picture's mean visual token."""
    targets: torch.Tensor
    """(completion tokens,): the tokens to weigh."""
    prefix: DynamicCache
    """Keys and values up to the last picture; the first pass adds the rest."""


def occlude(
    loaded: LoadedModel, request: OcclusionRequest, cancelled: threading.Event
) -> OcclusionRows:
    """Weigh a completion with each place occluded.

    The tower reads the pictures once, and a batch of places shares the keys and values of the
    tokens before its first place. Raises CancelledError between two batches, and PromptError.
    """
    with torch.inference_mode():
        sequence = embed_text(loaded, request)
        cells = check_places(request.places, sequence.grid)
        order = np.argsort(cells.argmax(1), kind="stable")
        rest = sequence.embeddings[:, sequence.prefix.get_seq_length() :]
        cache, baseline = _read(loaded, sequence, rest, sequence.prefix)
        averaged = _read_places(loaded, sequence, np.ones_like(cells[:1]), cache)
        occluded = np.zeros((len(cells), len(sequence.targets)), np.float32)
        logits = len(sequence.targets) * loaded.network.config.text_config.vocab_size
        for chosen in _batches(order, sequence.embeddings.shape[1], logits):
            if cancelled.is_set():
                raise CancelledError(REQUEST_CANCELLED)
            occluded[chosen] = _read_places(loaded, sequence, cells[chosen], cache)
    return OcclusionRows(request.places, baseline[0], averaged[0], occluded)


def check_places(places: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """(places, cells): the places of a picture whose `grid` is (rows, columns).

    Raises PromptError for places of another grid, none at all or one without a cell.
    """
    if places.ndim != 3 or places.shape[1:] != grid:
        raise PromptError(user_messages.places_of_other_grid(places.shape, *grid))
    cells = places.reshape(len(places), grid[0] * grid[1])
    if not len(cells) or not cells.any(1).all():
        raise PromptError(user_messages.PLACE_EMPTY)
    return cells


def embed_text(loaded: LoadedModel, request: OcclusionRequest) -> EmbeddedText:
    """Read the pictures once and join prompt and completion."""
    prepared = prepare_prompt(loaded.processor, request.prompt, request.budget).to(loaded.device)
    item = ReplayItem(0, prepared, tokens_of(loaded, request.completion))
    check_length(loaded, item.tokens - 1)
    if not 0 <= request.image_index < len(prepared.placements):
        raise PromptError(user_messages.no_such_picture(request.image_index))
    if not item.token_ids:
        raise PromptError(user_messages.COMPLETION_EMPTY)
    targets = torch.tensor(item.token_ids, dtype=torch.long, device=loaded.device)
    embeddings, positions, marks = _embed_tokens(loaded, prepared, targets[:-1])
    columns = marks.nonzero()[:, 0][token_columns(prepared.placements, request.image_index)]
    placement = prepared.placements[request.image_index]
    return EmbeddedText(
        embeddings=embeddings,
        positions=positions,
        columns=columns,
        grid=(placement.rows, placement.columns),
        mean=embeddings[0, columns].mean(0),
        targets=targets,
        prefix=read_prefix(loaded, prepared, positions),
    )


def _embed_tokens(
    loaded: LoadedModel, prepared: PreparedPrompt, following: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return embeddings, rope positions and the mask of picture tokens of prompt and completion."""
    model, tensors = loaded.network.model, prepared.tensors
    ids = torch.cat([tensors["input_ids"], following[None]], 1)
    kinds = torch.nn.functional.pad(tensors["mm_token_type_ids"], (0, len(following)))
    positions, _ = model.get_rope_index(
        ids, mm_token_type_ids=kinds, image_grid_thw=tensors["image_grid_thw"]
    )
    embeddings = model.get_input_embeddings()(ids)
    marks = kinds[0] == 1
    embeddings[0, marks] = embed_pictures(loaded, prepared).to(embeddings.dtype)
    return embeddings, positions, marks


def _batches(order: NDArray[np.intp], tokens: int, logits: int) -> Iterator[NDArray[np.intp]]:
    """Yield the places in batches within the bounds; `tokens` and `logits` are those of one."""
    size = max(1, min(BATCH_PLACES, BATCH_TOKENS // tokens, BATCH_LOGITS // logits))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _read_places(
    loaded: LoadedModel, sequence: EmbeddedText, cells: NDArray[np.bool_], cache: Any
) -> NDArray[np.float32]:
    """(places, completion tokens): log-probabilities with the cells of each place averaged."""
    masks = torch.from_numpy(cells).to(loaded.device)
    first = int(sequence.columns[masks.any(0)].min())
    embeddings = sequence.embeddings.expand(len(cells), -1, -1).clone()
    for row, mask in enumerate(masks):
        embeddings[row, sequence.columns[mask]] = sequence.mean
    shared = copy.deepcopy(cache)
    shared.crop(first - sequence.embeddings.shape[1])  # so many tokens fewer
    shared.batch_repeat_interleave(len(cells))
    return _read(loaded, sequence, embeddings[:, first:], shared)[1]


def _read(
    loaded: LoadedModel, sequence: EmbeddedText, embeddings: torch.Tensor, cache: Any
) -> tuple[Any, NDArray[np.float32]]:
    """Run a pass over the last tokens; return its cache and the targets' log-probabilities."""
    rows, count = len(embeddings), embeddings.shape[1]
    output = loaded.network.model.language_model(
        inputs_embeds=embeddings,
        position_ids=sequence.positions[:, :, -count:].expand(-1, rows, -1),
        past_key_values=cache,
        use_cache=True,
    )
    hidden = output.last_hidden_state[:, -len(sequence.targets) :]
    logits = loaded.network.lm_head(hidden).float()
    chosen = sequence.targets.expand(rows, -1)
    logprobs = logits.gather(2, chosen[..., None])[..., 0] - logits.logsumexp(-1)
    return output.past_key_values, logprobs.cpu().numpy()
