"""Attention x gradient: equal to the formula with whole matrices."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest
import torch

from models.engines.base import OcclusionEngine
from models.engines.local.engine import LocalEngine
from models.engines.local.occlusion import EmbeddedText, embed_text
from models.errors import PromptError
from tests.models.engines.local.test_occlusion import request

TOKENS = range(1, 4)


def weigh_with_whole_matrices(backend: LocalEngine, text: EmbeddedText) -> torch.Tensor:
    """(cells,): the formula on the matrices that eager attention returns."""
    network = backend._loaded.network
    output = network.model.language_model(
        inputs_embeds=text.embeddings.clone().requires_grad_(),
        position_ids=text.positions.clone(),
        output_attentions=True,
    )
    hidden = output.last_hidden_state[0, -len(text.targets) :]
    chosen = text.targets.clone()[:, None]
    logprobs = network.lm_head(hidden).log_softmax(-1).gather(1, chosen)[:, 0]
    slopes = torch.autograd.grad(logprobs[TOKENS.start : TOKENS.stop].sum(), output.attentions)
    first = text.embeddings.shape[1] - len(text.targets)
    queries = [first + token for token in TOKENS]
    layers = [(a * s)[0].relu() for a, s in zip(output.attentions, slopes, strict=True)]
    total: torch.Tensor = sum(each[:, queries].mean((0, 1)) for each in layers)
    return total.detach()[text.columns]


@pytest.mark.parametrize("image", [0, 1])
def test_equals_eager_attention_times_its_gradient(backend: LocalEngine, image: int) -> None:
    asked = request(image)
    quick, whole = backend.weigh_attention(asked, [TOKENS, range(len(TOKENS) + 1)])
    with torch.inference_mode():
        text = embed_text(backend._loaded, asked)
    network = backend._loaded.network
    kernel = copy(network.config.text_config._attn_implementation)
    network.set_attn_implementation({"text_config": "eager"})
    try:
        expected = weigh_with_whole_matrices(backend, text)
    finally:
        network.set_attn_implementation({"text_config": kernel})
    assert isinstance(backend, OcclusionEngine)
    assert quick.max() > 0
    assert np.allclose(quick.ravel(), expected.numpy(), rtol=1e-3, atol=1e-9)
    assert not np.allclose(quick, whole)


def test_names_tokens_that_do_not_exist(backend: LocalEngine) -> None:
    with pytest.raises(PromptError, match="there are none from 3 up to 99"):
        backend.weigh_attention(request(), [range(3, 99)])
