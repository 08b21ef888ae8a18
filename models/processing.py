"""Conversion of prompts to network inputs, shared by generation, scoring and training."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.nn.functional import pad
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
    Qwen2VLImageProcessorPil,
)
from transformers.processing_utils import ProcessorMixin

from models import user_messages
from models.errors import CheckpointError
from models.messages import ImagePlacement, PixelBudget, Prompt, PromptImage
from models.pictures import open_picture
from models.placement import place_picture
from models.time_limit import run_within_text_limit


class PathologyProcessor(Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor without a video processor, which would need torchvision."""

    def __init__(
        self,
        image_processor: Qwen2VLImageProcessorPil,
        tokenizer: PreTrainedTokenizerBase,
        chat_template: str | None = None,
    ) -> None:
        """Combine the parts; `chat_template` defaults to the tokenizer's."""
        self.image_token = "<|image_pad|>"  # noqa: S105 - a token, no password
        self.video_token = "<|video_pad|>"  # noqa: S105
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        template = chat_template or tokenizer.chat_template
        ProcessorMixin.__init__(  # type: ignore[no-untyped-call]
            self, image_processor, tokenizer, chat_template=template
        )

    @property
    def factor(self) -> int:
        """Side of a token cell, in pixels of the resized picture."""
        return int(self.image_processor.patch_size * self.image_processor.merge_size)

    @property
    def budget(self) -> PixelBudget:
        """Default pixel budget."""
        size = self.image_processor.size
        return PixelBudget(int(size["shortest_edge"]), int(size["longest_edge"]))

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        push_to_hub: bool = False,  # noqa: ARG002 - nothing is uploaded from here
        **_: Any,
    ) -> list[Any]:
        """Write the parts side by side, as in Qwen's checkpoints.

        The library's own method would name this class, which other programs cannot load.
        """
        self.tokenizer.chat_template = self.chat_template
        self.image_processor.save_pretrained(save_directory)
        return list(self.tokenizer.save_pretrained(save_directory))


@dataclass(frozen=True)
class PreparedPrompt:
    """A prompt, or a left-padded batch, as network inputs."""

    tensors: dict[str, torch.Tensor]
    """`input_ids`, `attention_mask`, `mm_token_type_ids` (prompts, tokens); with pictures also
    `pixel_values` and `image_grid_thw`."""
    placements: tuple[ImagePlacement, ...]
    """Placement of each picture, in order."""
    picture_hashes: tuple[bytes, ...] = ()
    """SHA-256 over file and resized size of each picture, in order: equal for equal pixels."""

    @property
    def tokens(self) -> int:
        """Tokens of the longest prompt, including pictures."""
        return int(self.tensors["input_ids"].shape[1])

    @property
    def pictures(self) -> torch.Tensor:
        """(prompts, tokens) bool: mask of picture tokens."""
        return self.tensors["mm_token_type_ids"] == 1

    def to(self, device: torch.device) -> PreparedPrompt:
        """Move to a device."""
        moved = {name: tensor.to(device) for name, tensor in self.tensors.items()}
        return replace(self, tensors=moved)


def prepare_prompt(
    processor: PathologyProcessor, prompt: Prompt, budget: PixelBudget | None = None
) -> PreparedPrompt:
    """Resize pictures into the budget and apply the chat template; text cannot forge a picture.

    Raises PromptError if a picture is unusable, CheckpointError if the chat template or tokenizer
    takes too long.
    """
    budget = budget or processor.budget
    pictures = [open_picture(image.data) for image in prompt.images]
    placements = tuple(
        place_picture(image.box, *picture.size, budget, factor=processor.factor)
        for image, picture in zip(prompt.images, pictures, strict=True)
    )
    inputs: Any = run_within_text_limit(
        lambda: processor.apply_chat_template(
            [chat_messages(prompt, pictures)],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            sanitize_control_tokens=True,
            processor_kwargs={"images_kwargs": {"size": image_size(budget)}},
        )
    )
    hashes = tuple(map(_hash_picture, prompt.images, placements))
    return PreparedPrompt(dict(inputs), placements, hashes)


def _hash_picture(image: PromptImage, placement: ImagePlacement) -> bytes:
    size = f"{placement.pixel_width} x {placement.pixel_height} "
    return hashlib.sha256(size.encode() + image.data).digest()


def pad_prompts(prompts: Sequence[PreparedPrompt], pad_id: int) -> PreparedPrompt:
    """Join prompts into one batch, padded on the left."""
    longest = max(prompt.tokens for prompt in prompts)
    fillings = {"input_ids": pad_id, "attention_mask": 0, "mm_token_type_ids": 0}
    tensors = {
        name: torch.cat(
            [
                pad(prompt.tensors[name], (longest - prompt.tokens, 0), value=value)
                for prompt in prompts
            ]
        )
        for name, value in fillings.items()
    }
    for name in ("pixel_values", "image_grid_thw"):
        values = [prompt.tensors[name] for prompt in prompts if name in prompt.tensors]
        if values:
            tensors[name] = torch.cat(values)
    return PreparedPrompt(
        tensors,
        tuple(placement for prompt in prompts for placement in prompt.placements),
        tuple(picture for prompt in prompts for picture in prompt.picture_hashes),
    )


def chat_messages(prompt: Prompt, pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """Prompt as chat messages: system prompt if any, then pictures and text."""
    parts = [{"type": "image", "image": picture} for picture in pictures]
    user = {"role": "user", "content": [*parts, {"type": "text", "text": prompt.text}]}
    if prompt.system is None:
        return [user]
    return [{"role": "system", "content": [{"type": "text", "text": prompt.system}]}, user]


def image_size(budget: PixelBudget) -> dict[str, int]:
    """A pixel budget in the image processor's terms."""
    return {"shortest_edge": budget.min_pixels, "longest_edge": budget.max_pixels}


def load_processor(folder: Path, name: str | None = None) -> PathologyProcessor:
    """Load the processor of the checkpoint in `folder`, reading only its files.

    Raises CheckpointError if tokenizer, chat template or picture settings are missing or damaged.
    """
    name = name or folder.name
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        images = Qwen2VLImageProcessorPil.from_pretrained(folder, local_files_only=True)
        template = tokenizer.chat_template or legacy_chat_template(folder)
    except Exception as error:  # the library raises many kinds of errors, some bare
        raise CheckpointError(user_messages.processor_damaged(name)) from error
    if not template:
        raise CheckpointError(user_messages.no_chat_template(name))
    return PathologyProcessor(images, tokenizer, template)


def legacy_chat_template(folder: Path) -> str | None:
    """Chat template of checkpoints saved before it had its own file; None if there is none."""
    path = folder / "chat_template.json"
    if not path.exists():
        return None
    return str(json.loads(path.read_text(encoding="utf-8"))["chat_template"])
