"""What tokenizers read as a command is found; what pathologists write is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import models.checkpoints
from models.control_tokens import (
    TRACE_TAGS,
    added_control_token,
    find_control_token,
    spread_control_tokens,
)
from models.training.specimen.random_init import SPECIAL, TAGS

# as tokenizers and processors of transformers 5 define them
TOKENS = """
<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|box_end|> <|vision_start|>
<|image_pad|> <|video_pad|> <|fim_prefix|> <|repo_name|> <|begin_of_text|> <|eot_id|>
<|start_header_id|> <|image|> <|reserved_special_token_6|> <|user|> <|end|> <|image_1|>
<|END_OF_TURN_TOKEN|> <|AUDIO|> <｜begin▁of▁sentence｜> <｜User｜> <think> </think> <answer>
</answer> <tool_call> </tool_response> <s> </s> <unk> <pad> <mask> <bos> <eos> <start_of_turn>
<end_of_turn> <image> <IMAGE> <video> <img> </img> <IMG_CONTEXT> <image_soft_token>
<start_of_image> <fake_token_around_image> <end_of_utterance> <global-img> <row_1_col_2>
<im_start> <im_patch> <extra_id_0> <loc0012> <box> </ref> <quad> [INST] [/INST] [IMG]
[IMG_BREAK] [SYSTEM_PROMPT] [CLS] [SEP] [MASK] [PAD] <<SYS>> <</SYS>> ＜｜im_start｜＞ ﹤image﹥
""".split()  # noqa: SIM905


@pytest.mark.parametrize("token", TOKENS)
def test_a_control_token_is_found_and_spread(token: str) -> None:
    text = f"The {token} is here."
    assert find_control_token(text) == token
    assert find_control_token(spread_control_tokens(text)) is None
    assert find_control_token(token + token) == token


def test_all_added_tokens_of_the_checkpoints_are_known() -> None:
    (folder,) = (Path(each) for each in models.checkpoints.__path__)
    files = sorted(folder.glob("*/tokenizer.json"))
    assert files
    added = [
        each["content"] for file in files for each in json.loads(file.read_text())["added_tokens"]
    ]
    for token in (*added, *SPECIAL, *TAGS):
        assert find_control_token(token) == token


@pytest.mark.parametrize(
    "text",
    [
        "Ki-67 < 5 %, mitoses > 10 per HPF",
        "<5 mm from the margin, >2 mm deep",
        "p<0.05 and |r|>0.3",
        "a <- b; c <|> d",
        "[G2] pT2 (see [1])",
        "I think the answer is B: an image of a box.",
        "<Tumour> vs <Stroma>",
        "CK7+/CK20-; [PADI4]",
    ],
)
def test_what_pathologists_write_is_left_alone(text: str) -> None:
    assert find_control_token(text) is None
    assert spread_control_tokens(text) == text


@given(
    st.lists(st.sampled_from([*TOKENS, "<", ">", "|", "[", "]", "a", " ", "<|", "|>"])).map("".join)
)
def test_nothing_that_was_spread_commands(text: str) -> None:
    assert find_control_token(spread_control_tokens(text)) is None


def test_the_tags_of_traces_may_be_allowed() -> None:
    trace = "<think>One.</think><answer>A</answer>"
    assert find_control_token(trace) == "<think>"
    assert find_control_token(trace, TRACE_TAGS) is None
    assert find_control_token(trace + "<|im_end|>", TRACE_TAGS) == "<|im_end|>"


def test_a_change_adds_a_token_or_none() -> None:
    assert added_control_token("<think>a</think>", "<think>b</think>") is None
    assert added_control_token("a <|image_pad|>", "b <|image_pad|>") is None
    assert added_control_token("a <|image_pad|>", "<|image_pad|><|image_pad|>") == "<|image_pad|>"
    assert added_control_token("<|image_\npad|>", "<|image_pad|>") == "<|image_pad|>"
