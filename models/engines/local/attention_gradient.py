"""Attention x gradient: a quick form of the evidence map, by one pass forward and one back.

Of each layer, relu(A * dA) with A the attention weights and dA the gradient of the words'
log-probability, averaged over heads and summed over layers, for the queries that wrote the words
(after Chefer et al., ICCV 2021, arXiv 2103.15679, equation 5, without the propagation). No kernel
returns A; dA of query i and key j is dO[i] . V[j], with dO the gradient of the layer's output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.capture import capture_outputs_into
from models.engines import user_messages
from models.engines.local.checkpoint_loading import LoadedModel
from models.engines.local.occlusion import EmbeddedText, embed_text
from models.errors import PromptError
from models.messages import OcclusionRequest


@dataclass(frozen=True)
class LayerTensors:
    """Tensors of one attention layer for one sequence."""

    query: torch.Tensor
    """(heads, tokens, width): after rotary embedding."""
    key: torch.Tensor
    """(key heads, tokens, width)."""
    value: torch.Tensor
    """(key heads, tokens, width)."""
    scaling: float | None
    """Factor of the scores; None: 1 over the root of the width."""
    output: torch.Tensor
    """(1, tokens, heads, width): with its graph."""


class _Layers:
    """Receives the layers of one forward pass."""

    def __init__(self) -> None:
        self.layers: list[LayerTensors] = []

    def take_output(
        self, layer: int, query: Any, key: Any, value: Any, scaling: float | None, output: Any
    ) -> None:
        """Keep a layer's tensors; the layers come in order."""
        del layer
        tensors = query[0].detach(), key[0].detach(), value[0].detach()
        self.layers.append(LayerTensors(*tensors, scaling, output))


def weigh_attention(
    loaded: LoadedModel, request: OcclusionRequest, passages: Sequence[range]
) -> NDArray[np.float32]:
    """(passages, rows, columns): attention x gradient of the tokens of each passage.

    The values have no unit: they compare cells of one map. `request.places` is not used. Raises
    PromptError for tokens that the completion does not have.
    """
    with torch.inference_mode():
        sequence = embed_text(loaded, request)
    count = len(sequence.targets)
    for tokens in passages:
        if not 0 <= tokens.start < tokens.stop <= count:
            raise PromptError(user_messages.no_such_tokens(tokens.start, tokens.stop, count))
    layers = _Layers()
    with torch.enable_grad(), capture_outputs_into(layers):
        logprobs = _weigh(loaded, sequence)
    maps = [_weigh_cells(sequence, layers.layers, logprobs, tokens) for tokens in passages]
    return np.stack([each.reshape(sequence.grid) for each in maps])


def _weigh(loaded: LoadedModel, sequence: EmbeddedText) -> torch.Tensor:
    """(tokens,): log-probability of the completion's tokens, with its graph."""
    embeddings = sequence.embeddings.clone().requires_grad_()  # a clone is no inference tensor
    output = loaded.network.model.language_model(
        inputs_embeds=embeddings, position_ids=sequence.positions.clone(), use_cache=False
    )
    hidden = output.last_hidden_state[0, -len(sequence.targets) :]
    logprobs: torch.Tensor = loaded.network.lm_head(hidden).float().log_softmax(-1)
    return logprobs.gather(1, sequence.targets.clone()[:, None])[:, 0]


def _weigh_cells(
    sequence: EmbeddedText,
    layers: Sequence[LayerTensors],
    logprobs: torch.Tensor,
    tokens: range,
) -> NDArray[np.float32]:
    """(cells,): attention x gradient, averaged over the queries that wrote the tokens."""
    loss = logprobs[tokens.start : tokens.stop].sum()
    gradients = torch.autograd.grad(loss, [each.output for each in layers], retain_graph=True)
    first = sequence.embeddings.shape[1] - len(sequence.targets)
    queries = torch.arange(tokens.start, tokens.stop, device=loss.device) + first
    total = torch.zeros(len(sequence.columns), device=loss.device)
    with torch.no_grad():
        for layer, gradient in zip(layers, gradients, strict=True):
            total += _weigh_layer(layer, gradient, queries)[:, sequence.columns].mean(0)
    return total.cpu().numpy()


def _weigh_layer(
    layer: LayerTensors, gradient: torch.Tensor, queries: torch.Tensor
) -> torch.Tensor:
    """(queries, tokens): mean over heads of relu(A * dA)."""
    heads, length, width = layer.query.shape
    group = heads // layer.key.shape[0]
    key = layer.key.repeat_interleave(group, 0).float()
    value = layer.value.repeat_interleave(group, 0).float()
    scores = layer.query[:, queries].float() @ key.transpose(1, 2)
    scores *= layer.scaling if layer.scaling is not None else width**-0.5
    later = torch.arange(length, device=queries.device) > queries[:, None]
    weights = scores.masked_fill(later, -torch.inf).softmax(-1)
    slope = gradient[0, queries].transpose(0, 1).float() @ value.transpose(1, 2)
    return (weights * slope).relu().mean(0)
