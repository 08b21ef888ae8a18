"""Mimetic initialization: attention weights that let a small network copy earlier words.

To read an option's letter off a list, a network must find an earlier word similar to the current
one and copy its neighbour. From plain random weights, a network of this size does not learn this in
hundreds of steps (docs/training-log.md). So it starts with heads in the first layer that attend
one, two, three, ... tokens back, by query and key biases alone, and with heads in the next layers
whose queries and keys are alike, so that similar words attend to each other. Initialising attention
to resemble trained attention is due to Trockman and Kolter (Mimetic Initialization of
Self-Attention Layers, ICML 2023); the positional part is ours, using the biases of Qwen2.5.
"""

from __future__ import annotations

from typing import Any

import torch

STRENGTH = 7.0
"""Length of each rotated pair of a look-back head's query and key."""
LIKENESS_GAIN = 0.05
"""Standard deviation of the weights that query and key share."""
COPY_GAIN = 2.0
"""Factor on values and outputs, so that copied content matters beside the existing one."""


def initialise_mimetic_attention(language_model: Any, *, rope_theta: float = 10_000.0) -> None:
    """Set the attention weights of a `Qwen2_5_VLTextModel` as described above, in place."""
    layers = list(language_model.layers)
    heads = language_model.config.num_attention_heads
    groups = language_model.config.num_key_value_heads
    size = language_model.config.hidden_size // heads
    with torch.no_grad():
        _by_distance(layers[0].self_attn, heads, groups, size, rope_theta)
        for layer in layers[1:4]:
            _by_likeness(layer.self_attn, heads, groups, size)
        for layer in layers:
            layer.self_attn.v_proj.weight.mul_(COPY_GAIN)
            layer.self_attn.o_proj.weight.mul_(COPY_GAIN)


def _by_distance(attention: Any, heads: int, groups: int, size: int, theta: float) -> None:
    """Let head h attend h + 1 tokens back, by the RoPE pairs that rotate fastest."""
    pairs = size // 2
    speeds = theta ** (-torch.arange(pairs) / pairs)  # radians per token
    length = torch.zeros(pairs)
    length[: max(2, pairs // 3)] = STRENGTH
    for group in range(groups):
        key = torch.cat([length, torch.zeros(pairs)])
        attention.k_proj.bias[group * size : (group + 1) * size] = key
    for head in range(heads):
        turned = (head + 1) * speeds
        query = torch.cat([length * turned.cos(), -length * turned.sin()])
        attention.q_proj.bias[head * size : (head + 1) * size] = query


def _by_likeness(attention: Any, heads: int, groups: int, size: int) -> None:
    """Give the first head of each group queries like its keys, in the pairs that rotate slowest."""
    slow = [*range(size // 4, size // 2), *range(3 * size // 4, size)]
    for group in range(groups):
        shared = torch.zeros(size, attention.q_proj.weight.shape[1])
        shared[slow] = torch.randn(len(slow), shared.shape[1]) * LIKENESS_GAIN
        head = group * (heads // groups)
        attention.k_proj.weight[group * size : (group + 1) * size] += shared
        attention.q_proj.weight[head * size : (head + 1) * size] += shared
