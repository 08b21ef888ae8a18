"""What is said to a model and what comes back: plain values, no torch, fit for a pipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from models.errors import PromptError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Finish = Literal["stop", "length", "cancelled"]
"""Why a completion ended: by itself, at `max_new_tokens`, or on request."""


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide in level-0 pixels; fractions allowed, since cells need them."""

    x: float
    """Left edge."""
    y: float
    """Top edge."""
    width: float
    """Extent to the right, above 0."""
    height: float
    """Extent downwards, above 0."""


@dataclass(frozen=True)
class PromptImage:
    """A picture shown to the model."""

    data: bytes
    """The picture as a PNG or JPEG file; grey and RGBA ones are made RGB on white."""
    box: Box
    """What it shows of the slide, level-0 pixels; for a picture of no slide its own pixels."""


@dataclass(frozen=True)
class Prompt:
    """One user turn: the pictures in order, then the text."""

    text: str
    """The question as the model reads it; `prompts.py` writes it."""
    images: tuple[PromptImage, ...] = ()
    """Pictures, before the text."""
    system: str | None = None
    """System prompt; None leaves the chat template's own."""


@dataclass(frozen=True)
class PixelBudget:
    """Bounds of a picture's area after resizing, in pixels."""

    min_pixels: int
    """Smaller pictures are enlarged to this."""
    max_pixels: int
    """Larger pictures are reduced to this."""

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if not 0 < self.min_pixels <= self.max_pixels:
            message = (
                f"A pixel budget of {self.min_pixels} to {self.max_pixels} is empty; "
                "the least must be above 0 and no more than the most."
            )
            raise PromptError(message)


@dataclass(frozen=True)
class ImagePlacement:
    """Where a picture's tokens lie on the slide: box <-> resized pixels <-> token cells."""

    box: Box
    """What the picture shows, level-0 pixels."""
    pixel_width: int
    """Width after resizing."""
    pixel_height: int
    """Height after resizing."""
    columns: int
    """Token cells across."""
    rows: int
    """Token cells down."""

    @property
    def tokens(self) -> int:
        """Visual tokens of the picture; cells count row by row from the top left."""
        return self.columns * self.rows


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn."""

    max_new_tokens: int = 512
    """Most tokens of one completion, 1 to 32,768."""
    temperature: float = 0.0
    """0 takes the likeliest token; from 0.01 to 2 tokens are drawn."""
    top_p: float = 1.0
    """Smallest set of tokens with this probability is drawn from; above 0, at most 1."""
    top_k: int = 0
    """The so many likeliest tokens are drawn from; 0 means all."""
    repetition_penalty: float = 1.0
    """Divides the score of tokens already written; 1 does nothing; above 0, at most 2."""
    seed: int = 0
    """Same request and same seed: same tokens. 0 to 2**63 - 1."""

    def __post_init__(self) -> None:
        """Refuse values out of range, by name."""
        allowed = {
            "max_new_tokens": (1 <= self.max_new_tokens <= 32_768, "it is 1 to 32,768"),
            "temperature": (
                self.temperature == 0.0 or 0.01 <= self.temperature <= 2.0,
                "it is 0, or 0.01 to 2",
            ),
            "top_p": (0.0 < self.top_p <= 1.0, "it is above 0 and at most 1"),
            "top_k": (self.top_k >= 0, "it is 0 (all) or more"),
            "repetition_penalty": (
                0.0 < self.repetition_penalty <= 2.0,
                "it is above 0 and at most 2",
            ),
            "seed": (0 <= self.seed < 2**63, "it is 0 to 2**63 - 1"),
        }
        for name, (fine, range_) in allowed.items():
            if not fine:
                message = f"{name}={getattr(self, name)!r} is out of range; {range_}."
                raise PromptError(message)


@dataclass(frozen=True)
class Completion:
    """What a model wrote, or a text to be weighed as if it had."""

    text: str
    """The text, special tokens taken off."""
    token_ids: tuple[int, ...] = ()
    """Its tokens; empty for a text that some other engine or a person wrote."""
    token_ends: tuple[int, ...] = ()
    """For each token the number of characters of `text` that are complete with it."""
    finish: Finish = "stop"
    """Why it ended."""


@dataclass(frozen=True)
class ModelInfo:
    """What is loaded; goes into the provenance of every completion."""

    name: str
    """Registry name, hub id or folder name, as the clinician chose it; never a path."""
    revision: str
    """The hub's commit, or SHA-256 over the weights' headers, sizes and samples."""
    architecture: str
    """Class of the network, such as `Qwen2_5_VLForConditionalGeneration`."""
    parameters: int
    """Number of weights."""
    device: str
    """`cpu`, or `cuda` with the GPU's name."""
    dtype: str
    """`float32`, `bfloat16` or `float16`."""
    attention: str
    """Kernel behind the answers: `sdpa`, `flash_attention_2` or `none`."""
    context: int
    """Most tokens of prompt and completion together."""
    budget: PixelBudget
    """Pixel budget in force where a request names none."""
    layers: int
    """Layers whose attention is reported."""
    versions: dict[str, str] = field(default_factory=dict)
    """Library versions, by package."""
    licence: str | None = None
    """Of the weights; None where nobody said."""
    train_allowed: bool | None = None
    """Whether its answers may be used to train another model; None where nobody said."""


@dataclass(frozen=True)
class GenerateRequest:
    """A question put to a model."""

    request_id: str
    """Chosen by the caller, unique among those under way."""
    prompt: Prompt
    """What is asked."""
    sampling: Sampling = field(default_factory=Sampling)
    """How tokens are drawn."""
    count: int = 1
    """Completions wanted, 1 to 64; they share the prompt and are written together."""
    priority: int = 0
    """Higher goes first; a waiting clinician is 10, a batch 0."""
    attention: bool = True
    """Whether attention rows are wanted."""
    budget: PixelBudget | None = None
    """Pixel budget; None takes the model's own."""


@dataclass(frozen=True)
class QueueUpdate:
    """The request waits; told again whenever the position changes."""

    request_id: str
    """Which request."""
    position: int
    """Requests before it, the running one included."""


@dataclass(frozen=True)
class GenerationStart:
    """The prompt is prepared and the model has begun."""

    request_id: str
    """Which request."""
    placements: tuple[ImagePlacement, ...]
    """One per picture, in order."""
    prompt_tokens: int
    """Tokens of the prompt, pictures included."""
    model: ModelInfo
    """Who answers."""


@dataclass(frozen=True)
class Token:
    """One token more of one completion."""

    request_id: str
    """Which request."""
    completion_index: int
    """Which of its completions."""
    token_id: int
    """The token."""
    text: str
    """Characters that are complete with it; empty while a character is still in the making."""


@dataclass(frozen=True)
class AttentionRows:
    """Attention from consecutive completion tokens to the picture tokens, heads averaged."""

    request_id: str
    """Which request; empty from `attend`."""
    completion_index: int
    """Which of its completions."""
    first_token: int
    """Index in the completion of the first row's token."""
    rows: NDArray[np.float32]
    """(tokens, layers, picture tokens): softmax(q.K^T) over all that precedes, of which these
    columns are kept; picture tokens of all pictures in order. Row t is the query that *wrote*
    token t, that is the last position before it."""


@dataclass(frozen=True)
class CompletionEnd:
    """One completion is finished."""

    request_id: str
    """Which request."""
    completion_index: int
    """Which of its completions."""
    completion: Completion
    """The whole of it."""
    seconds: float
    """From the start of the request's work to here, waiting not counted."""
    first_token_seconds: float
    """From the start of the request's work to its first token."""


Event = QueueUpdate | GenerationStart | Token | AttentionRows | CompletionEnd


@dataclass(frozen=True)
class TokenScores:
    """How likely a model finds a given completion."""

    token_ids: tuple[int, ...]
    """The completion's tokens; the end-of-turn token is not among them."""
    token_ends: tuple[int, ...]
    """For each token the number of characters of the text that are complete with it."""
    logprobs: NDArray[np.float32]
    """(tokens,): natural logarithm of each token's probability given all before it."""
