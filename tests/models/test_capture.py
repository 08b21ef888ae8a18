"""Rows read off the fast kernel are those that eager attention gives, and change no token."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from models.bench.random_networks import HEADS_OF_7B, PAD, SMALL, random_network, random_prompt
from models.capture import PictureColumns, QueryStash, Replay, capture_into, install_capture
from models.processing import PreparedPrompt, pad_prompts
from tests.long_cases import long_cases

TOKENS = 12
PROMPTS: dict[str, list[tuple[list[tuple[int, int]], int]]] = {
    "one picture": [([(3, 4)], 7)],
    "padded batch": [([(2, 3)], 4), ([(4, 4)], 9)],
    "two pictures": [([(3, 2), (2, 5)], 6)],
}
"""For each prompt of a batch the (rows, columns) of its pictures, and its tokens of text."""


@pytest.fixture(
    scope="module", params=[SMALL, *long_cases(HEADS_OF_7B)], ids=["small", "heads of a 7B"]
)
def network(request: pytest.FixtureRequest) -> Any:
    return random_network(request.param)


@pytest.fixture(params=PROMPTS)
def prompt(request: pytest.FixtureRequest, network: Any) -> PreparedPrompt:
    return batch(network, request.param)


def batch(network: Any, name: str) -> PreparedPrompt:
    """Prompts as one batch, padded on the left."""
    described = enumerate(PROMPTS[name])
    return pad_prompts([random_prompt(network, *each, seed=seed) for seed, each in described], PAD)


def generate(network: Any, prompt: PreparedPrompt, **options: Any) -> Any:
    with torch.inference_mode():
        return network.generate(
            **prompt.tensors,
            max_new_tokens=TOKENS,
            do_sample=False,
            return_dict_in_generate=True,
            **options,
        )


def eager_rows(network: Any, prompt: PreparedPrompt) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Tokens, and for each prompt (tokens, layers, pictures), from `output_attentions`."""
    network.set_attn_implementation("eager")
    made = generate(network, prompt, output_attentions=True)
    per_prompt = []
    for number, pictures in enumerate(prompt.pictures):
        rows = [
            torch.stack([layer[number, :, -1].mean(0)[: len(pictures)][pictures] for layer in step])
            for step in made.attentions
        ]
        per_prompt.append(torch.stack(rows))
    return made.sequences, per_prompt


def columns(prompt: PreparedPrompt) -> PictureColumns:
    return PictureColumns(prompt.pictures, prompt.tensors["attention_mask"])


def test_rows_are_eagers_and_tokens_are_the_kernels(network: Any, prompt: PreparedPrompt) -> None:
    _, expected = eager_rows(network, prompt)
    network.set_attn_implementation("sdpa")
    plain = generate(network, prompt).sequences
    install_capture(network, "sdpa")
    stash = QueryStash(network.config.text_config.num_hidden_layers, columns(prompt))
    with capture_into(stash):
        captured = generate(network, prompt).sequences
    assert torch.equal(captured, plain)
    found = stash.rows()
    assert [rows.shape for rows in found] == [rows.shape for rows in expected]
    for rows, wanted in zip(found, expected, strict=True):
        assert rows.dtype == torch.float32
        assert wanted.std() > 0.3 * wanted.mean()  # far from even, or the test says little
        torch.testing.assert_close(rows, wanted, atol=1e-5, rtol=0)


def test_a_replay_gives_the_same_rows(network: Any, prompt: PreparedPrompt) -> None:
    install_capture(network, "sdpa")
    layers = network.config.text_config.num_hidden_layers
    stash, replay = QueryStash(layers, columns(prompt)), Replay(layers, columns(prompt))
    with capture_into(stash):
        made = generate(network, prompt)
    with torch.inference_mode(), capture_into(replay):
        mask = prompt.tensors["attention_mask"]
        positions, deltas = network.model.get_rope_index(
            prompt.tensors["input_ids"],
            mm_token_type_ids=prompt.tensors["mm_token_type_ids"],
            image_grid_thw=prompt.tensors["image_grid_thw"],
            attention_mask=mask,
        )
        read = network(**prompt.tensors, position_ids=positions, use_cache=True, logits_to_keep=1)
        replay.last_only = False
        written = made.sequences[:, prompt.tokens : -1]
        following = mask.sum(1, keepdim=True) + deltas + torch.arange(written.shape[1])
        network(
            input_ids=written,
            attention_mask=torch.cat([mask, torch.ones_like(written)], 1),
            position_ids=following.expand(3, -1, -1),
            past_key_values=read.past_key_values,
        )
    for rows, wanted in zip(replay.rows(), stash.rows(), strict=True):
        torch.testing.assert_close(rows, wanted, atol=1e-5, rtol=0)


def test_rows_asked_for_in_blocks_are_those_asked_for_at_the_end() -> None:
    network = random_network(SMALL)
    prompt = batch(network, "padded batch")
    install_capture(network, "sdpa")
    whole, blocks = QueryStash(3, columns(prompt)), QueryStash(3, columns(prompt))
    found: list[list[torch.Tensor]] = []

    def each_token(input_ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        if len(blocks) == 5:
            found.append(blocks.rows())
        return torch.zeros(len(input_ids), dtype=torch.bool)

    with capture_into(whole):
        generate(network, prompt)
    with capture_into(blocks):
        generate(network, prompt, stopping_criteria=[each_token])
    found.append(blocks.rows())
    assert [len(block[0]) for block in found] == [5, 5, 2]
    for number, wanted in enumerate(whole.rows()):
        together = torch.cat([block[number] for block in found])
        torch.testing.assert_close(together, wanted, atol=1e-6, rtol=0)


def test_nobody_is_told_outside_of_watching() -> None:
    network = random_network(SMALL)
    prompt = batch(network, "one picture")
    install_capture(network, "sdpa")
    stash = QueryStash(3, columns(prompt))
    with capture_into(stash):
        pass
    generate(network, prompt)
    assert len(stash) == 0
    with pytest.raises(RuntimeError, match="install_capture"):
        stash.rows()
