"""Control tokens: texts that tokenizers read as commands, such as the end of a turn or a picture.

Typed into a label and exported unchanged, `<|image_pad|>` makes a trainer count two pictures, and
`<|im_end|>` ends a turn. The list covers the common tokenizers and processors of transformers 5,
not only those of known models, because an export is for any trainer.
"""

from __future__ import annotations

import re
from collections import Counter

from models import user_messages

_NAMES = (
    # turns and texts: Llama, Gemma, Mistral, BERT, T5 and relatives
    "s|unk|pad|mask|cls|sep|bos|eos|eop|eod|blank|begin_of_text|end_of_text|start_of_turn|"
    "end_of_turn|end_of_utterance|placeholder|extra_id_[0-9]+|unused_?[0-9]+|special_?[0-9]+|"
    # pictures and videos: LLaVA, InternVL, Qwen-VL, Idefics, Gemma, Kosmos, PaliGemma
    "image|images|img|imgpad|img_context|image_pad|image_token|image_placeholder|image_soft_token|"
    "start_of_image|end_of_image|im_start|im_end|im_patch|im_col|im_newline|patch|"
    "fake_token_around_image|global-img|row_[0-9]+_col_[0-9]+|loc_?[0-9]+|video|video_pad|frame|"
    "audio|audio_soft_token|ref|box|quad|obj|object|phrase|grounding|seg_?[0-9]+|patch_index_[0-9]+|"
    # code: Qwen Coder, StarCoder
    "fim_prefix|fim_middle|fim_suffix|fim_pad|"
    # reasoning and tools: Qwen3, DeepSeek-R1, and PathViewer's own traces
    "think|answer|tool_call|tool_calls|tool_response|tools"
)
_BRACKETED = (
    "INST|IMG|IMG_BREAK|IMG_END|SYSTEM_PROMPT|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|THINK|CLS|SEP|"
    "MASK|PAD|UNK|BOS|EOS"
)
CONTROL_TOKEN = re.compile(
    rf"[<＜﹤][|｜][^<>＜＞﹤﹥|｜\s]*[|｜][>＞﹥]"  # <|im_start|>, and DeepSeek's with wide bars
    rf"|[<＜﹤]/?(?i:{_NAMES})/?[>＞﹥]"
    rf"|\[/?(?:{_BRACKETED})\]"
    r"|<</?SYS>>"
)
"""A control token, also with full-width or small angle brackets, which some tokenizers
normalize.
"""
TRACE_TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""Tags that completions and prompts contain by design."""


def find_control_token(text: str, allowed: tuple[str, ...] = ()) -> str | None:
    """First control token of a text that is not `allowed`; None if there is none."""
    return next(
        (match[0] for match in CONTROL_TOKEN.finditer(text) if match[0] not in allowed), None
    )


def added_control_token(before: str, after: str) -> str | None:
    """Control token added by an edit of a text; None if there is none."""
    tokens = (Counter(CONTROL_TOKEN.findall(text)) for text in (after, before))
    added = next(tokens)
    added.subtract(next(tokens))
    return next((token for token, count in added.items() if count > 0), None)


def spread_control_tokens(text: str) -> str:
    """Insert spaces into every control token: still readable, no longer a command."""
    return CONTROL_TOKEN.sub(lambda match: _spread(match[0]), text)


def _spread(token: str) -> str:
    return f"{token[0]} {token[1:-1].strip('|｜')} {token[-1]}"


def control_token_sentence(subject: str, token: str) -> str:
    """Message refusing a text with a control token, and the remedy."""
    return user_messages.control_token_refused(subject, token[:40], _spread(token)[:40])
