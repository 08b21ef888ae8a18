"""Characters come out as soon as they are complete, and never change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from models.engines.local.token_text import TextWriter, TokenBytes, token_ends


@pytest.fixture(scope="module")
def tokenizer(mini_checkpoint: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(mini_checkpoint)


@given(ids=st.lists(st.integers(0, 900), max_size=30))
def test_any_tokens_give_what_the_tokenizer_decodes(
    tokenizer: PreTrainedTokenizerBase, ids: list[int]
) -> None:
    writer = TextWriter(TokenBytes(tokenizer))
    told = "".join(writer.add(token_id) for token_id in ids)
    decoded = tokenizer.decode(ids, skip_special_tokens=True)
    assert isinstance(decoded, str)
    assert told == writer.text
    assert writer.ends == [len(told[:end]) for end in writer.ends]  # within the text, in order
    assert decoded.startswith(told)
    assert decoded[len(told) :].strip("\ufffd") == ""  # a character cut off at the very end


@given(text=st.text(max_size=40))
def test_any_text_comes_back(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    kept = tokenizer.backend_tokenizer.normalizer.normalize_str(text)
    ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    writer = TextWriter(TokenBytes(tokenizer))
    for token_id in ids:
        writer.add(token_id)
    assert writer.text == kept


def test_a_character_counts_with_the_token_that_completes_it(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    ids = tokenizer.encode("é☃", add_special_tokens=False)
    assert len(ids) == 5  # bytes, since the small vocabulary has neither
    assert token_ends(TokenBytes(tokenizer), ids) == (0, 1, 1, 1, 2)


def test_tags_are_kept_and_special_tokens_and_ids_without_a_token_are_not(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    ids = tokenizer.convert_tokens_to_ids(["<think>", "<|im_end|>"])
    assert isinstance(ids, list)
    think, end = ids
    writer = TextWriter(TokenBytes(tokenizer))
    assert [writer.add(token_id) for token_id in (think, end, 100_000)] == ["<think>", "", ""]
