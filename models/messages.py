"""Messages between the program and an engine: plain values without torch, which can be pickled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from models import user_messages
from models.errors import PromptError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Finish = Literal["stop", "length", "cancelled"]
"""Why a completion ended: by itself, at `max_new_tokens`, or on request."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide in level-0 pixels; may be fractional, for token cells."""

    x: float
    """Left edge."""
    y: float
    """Top edge."""
    width: float
    """Width, above 0."""
    height: float
    """Height, above 0."""


@dataclass(frozen=True)
class PromptImage:
    """A picture for the model."""

    data: bytes
    """PNG or JPEG file; grey and RGBA pictures are converted to RGB on white."""
    box: Box
    """Area of the slide, level-0 pixels; without a slide, the picture's own pixels."""


@dataclass(frozen=True)
class Prompt:
    """One user turn: pictures in order, then text."""

    text: str
    """Question as the model reads it, written by `prompts.py`."""
    images: tuple[PromptImage, ...] = ()
    """Pictures that precede the text."""
    system: str | None = None
    """System prompt; None for the chat template's default."""


@dataclass(frozen=True)
class PixelBudget:
    """Limits of a picture's area after resizing, in pixels."""

    min_pixels: int
    """Area to which smaller pictures are enlarged."""
    max_pixels: int
    """Area to which larger pictures are reduced."""

    def __post_init__(self) -> None:
        """Raise an error for an empty range."""
        if not 0 < self.min_pixels <= self.max_pixels:
            raise PromptError(user_messages.pixel_budget_empty(self.min_pixels, self.max_pixels))


@dataclass(frozen=True)
class ImagePlacement:
    """Placement of a picture's tokens on the slide: box <-> resized pixels <-> token cells."""

    box: Box
    """Area shown, level-0 pixels."""
    pixel_width: int
    """Width after resizing."""
    pixel_height: int
    """Height after resizing."""
    columns: int
    """Token cell columns."""
    rows: int
    """Token cell rows."""

    @property
    def tokens(self) -> int:
        """Visual tokens of the picture; cells are in row-major order from the top left."""
        return self.columns * self.rows


@dataclass(frozen=True)
class Sampling:
    """Sampling parameters."""

    max_new_tokens: int = 512
    """Most tokens of a completion, 1 to 32,768."""
    temperature: float = 0.0
    """0 is greedy; 0.01 to 2 samples."""
    top_p: float = 1.0
    """Nucleus sampling: smallest set of tokens with this probability; above 0, at most 1."""
    top_k: int = 0
    """Number of likeliest tokens to sample from; 0 for all."""
    repetition_penalty: float = 1.0
    """Divides the score of tokens already written; 1 has no effect; above 0, at most 2."""
    seed: int = 0
    """0 to 2**63 - 1; the same request and seed give the same tokens."""

    def __post_init__(self) -> None:
        """Raise an error that names the value out of range."""
        allowed = {
            "max_new_tokens": 1 <= self.max_new_tokens <= 32_768,
            "temperature": self.temperature == 0.0 or 0.01 <= self.temperature <= 2.0,
            "top_p": 0.0 < self.top_p <= 1.0,
            "top_k": self.top_k >= 0,
            "repetition_penalty": 0.0 < self.repetition_penalty <= 2.0,
            "seed": 0 <= self.seed < 2**63,
        }
        for name, fine in allowed.items():
            if not fine:
                range_clause = user_messages.SAMPLING_RANGES[name]
                value = getattr(self, name)
                raise PromptError(user_messages.out_of_range(name, value, range_clause))


@dataclass(frozen=True)
class Completion:
    """A model's completion, or a text to be scored as one."""

    text: str
    """Text without special tokens."""
    token_ids: tuple[int, ...] = ()
    """Its tokens; empty for text from another engine or a person."""
    token_ends: tuple[int, ...] = ()
    """For each token, the number of characters of `text` complete with it."""
    finish: Finish = "stop"
    """Why it ended."""
    token_logprobs: tuple[float, ...] | None = None
    """For each token, its natural log-probability given all before it, by the model's logits before
    repetition penalty, temperature, top-k and top-p; None where the engine does not report it.
    """


@dataclass(frozen=True)
class ModelInfo:
    """The loaded model; part of every completion's provenance."""

    name: str
    """Registry name, hub id or folder name, as the user chose it; never a path."""
    revision: str
    """The hub's commit, or SHA-256 over the weights' headers, sizes and samples."""
    architecture: str
    """Network class, such as `Qwen2_5_VLForConditionalGeneration`."""
    parameters: int
    """Number of weights."""
    device: str
    """`cpu`, or `cuda` with the GPU's name."""
    dtype: str
    """`float32`, `bfloat16` or `float16`."""
    attention: str
    """Attention kernel: `sdpa`, `flash_attention_2` or `none`."""
    context: int
    """Most tokens of prompt and completion together."""
    budget: PixelBudget
    """Default pixel budget."""
    layers: int
    """Layers whose attention is reported."""
    versions: dict[str, str] = field(default_factory=dict)
    """Library versions, by package."""
    licence: str | None = None
    """Licence of the weights; None if unknown."""
    train_allowed: bool | None = None
    """Whether its completions may be used to train another model; None if unknown."""


@dataclass(frozen=True)
class GenerateRequest:
    """A request for completions."""

    request_id: str
    """Chosen by the caller, unique among active requests."""
    prompt: Prompt
    """The prompt."""
    sampling: Sampling = field(default_factory=Sampling)
    """Sampling parameters."""
    count: int = 1
    """Number of completions, 1 to 64; they share the prompt and are generated together."""
    priority: int = 0
    """Higher goes first; 10 for a waiting user, 0 for a batch."""
    attention: bool = True
    """Whether to send attention rows."""
    budget: PixelBudget | None = None
    """Pixel budget; None for the model's own."""


@dataclass(frozen=True)
class QueueUpdate:
    """The request waits; repeated whenever its position changes."""

    request_id: str
    """Id of the request."""
    position: int
    """Requests before it, including the running one."""


@dataclass(frozen=True)
class GenerationStart:
    """The prompt is prepared and the model has started."""

    request_id: str
    """Id of the request."""
    placements: tuple[ImagePlacement, ...]
    """One per picture, in order."""
    prompt_tokens: int
    """Tokens of the prompt, including pictures."""
    model: ModelInfo
    """The model."""


@dataclass(frozen=True)
class Token:
    """The next token of a completion."""

    request_id: str
    """Id of the request."""
    completion_index: int
    """Index of the completion."""
    token_id: int
    """Token id."""
    text: str
    """Characters newly complete with it; empty within a multi-token character."""


@dataclass(frozen=True)
class AttentionRows:
    """Attention from consecutive completion tokens to the picture tokens, averaged over heads."""

    request_id: str
    """Id of the request; empty from `attend`."""
    completion_index: int
    """Index of the completion."""
    first_token: int
    """Index of the first row's token in the completion."""
    rows: NDArray[np.floating]
    """(tokens, layers, picture tokens): softmax(q.K^T) over all preceding tokens, limited to the
    columns of picture tokens, those of all pictures in order. Row t is the query that *wrote* token
    t, i.e. the last position before it. From `generate` float16: one part in 2,048, or 3e-8 below
    6e-5; from `attend` float32.
    """


@dataclass(frozen=True)
class CompletionEnd:
    """A completion is finished."""

    request_id: str
    """Id of the request."""
    completion_index: int
    """Index of the completion."""
    completion: Completion
    """The full completion."""
    seconds: float
    """Seconds of work on the request so far, not counting the wait."""
    first_token_seconds: float
    """Seconds from the start of work to the first token."""


Event = QueueUpdate | GenerationStart | Token | AttentionRows | CompletionEnd


@dataclass(frozen=True)
class OcclusionRequest:
    """A completion to weigh with places of one of its pictures occluded."""

    request_id: str
    """Id by which the request can be cancelled."""
    prompt: Prompt
    """The prompt, with at least one picture."""
    completion: Completion
    """The completion."""
    places: NDArray[np.bool_]
    """(places, rows, columns): the cells that each replay occludes; each place has one or more."""
    image_index: int = 0
    """Index of the picture in the prompt."""
    budget: PixelBudget | None = None
    """Pixel budget; None for the model's own."""
    priority: int = 0
    """Higher ones go first."""


@dataclass(frozen=True)
class TokenScores:
    """Likelihood of a given completion."""

    token_ids: tuple[int, ...]
    """Tokens of the completion, without the end-of-turn token."""
    token_ends: tuple[int, ...]
    """For each token, the number of characters of the text complete with it."""
    logprobs: NDArray[np.float32]
    """(tokens,): natural log-probability of each token, given all before it."""
