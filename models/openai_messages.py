"""OpenAI chat completions as values: parsing requests and building replies."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from models import user_messages
from models.errors import PromptError
from models.messages import (
    Box,
    CompletionEnd,
    GenerateRequest,
    ModelInfo,
    PixelBudget,
    Prompt,
    PromptImage,
    Sampling,
)
from models.pictures import open_picture

DATA_URIS = ("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/jpg;base64,")
IMAGES = 16
"""Most pictures per request."""
LENGTH = 512
"""Default number of tokens."""


class ImageUrl(BaseModel):
    """URL of a picture; always a data URI, since nothing is fetched."""

    url: str
    detail: str = "auto"


class Part(BaseModel):
    """Part of a message."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "image_url"]
    text: str = ""
    image_url: ImageUrl | None = None


def _as_parts(content: Any) -> Any:
    """Turn a plain text message into its single part."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class Message(BaseModel):
    """A message; one from the user, optionally preceded by system messages."""

    role: Literal["system", "developer", "user"]
    content: Annotated[list[Part], BeforeValidator(_as_parts)]

    @property
    def text(self) -> str:
        """Text of the message, parts joined by line breaks."""
        return "\n".join(part.text for part in self.content if part.type == "text")


class ChatRequest(BaseModel):
    """Supported fields, and those accepted without effect."""

    model_config = ConfigDict(extra="forbid")

    model: str
    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    n: int = Field(default=1, ge=1, le=16)
    stream: Literal[False] = False
    response_format: Any = None
    """Accepted but not enforced: clients that ask for a schema must check the reply."""
    user: Any = None
    metadata: Any = None
    store: Any = None


def read_request(payload: bytes) -> ChatRequest:
    """Parse a request body; raises PromptError naming the first wrong field."""
    try:
        return ChatRequest.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PromptError(user_messages.request_unreadable(where, first["msg"])) from error


def generation_request(
    request: ChatRequest, *, system: str | None = None, budget: PixelBudget | None = None
) -> GenerateRequest:
    """Convert a request for an engine; `system` is the default system message.

    Raises PromptError for anything but one user turn, for pictures that are not embedded or
    unreadable, and for sampling parameters out of range.
    """
    *before, last = request.messages
    if last.role != "user" or any(message.role == "user" for message in before):
        raise PromptError(user_messages.SEVERAL_QUESTIONS)
    system_text = "\n".join(message.text for message in before)
    return GenerateRequest(
        request_id=f"chat-{uuid.uuid4().hex}",
        prompt=Prompt(last.text, _images(last), system_text or system),
        sampling=Sampling(
            max_new_tokens=request.max_completion_tokens or request.max_tokens or LENGTH,
            temperature=request.temperature,
            top_p=request.top_p,
            seed=secrets.randbelow(2**31) if request.seed is None else request.seed,
        ),
        count=request.n,
        attention=False,
        budget=budget,
    )


def completion_body(
    request: GenerateRequest, ends: Sequence[CompletionEnd], prompt_tokens: int, model: ModelInfo
) -> dict[str, Any]:
    """Build a chat completion from finished completions."""
    written = sum(len(end.completion.token_ids) for end in ends)
    return {
        "id": request.request_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model.name,
        "system_fingerprint": model.revision,
        "choices": [
            {
                "index": end.completion_index,
                "message": {"role": "assistant", "content": end.completion.text},
                "finish_reason": end.completion.finish,
                "logprobs": None,
            }
            for end in sorted(ends, key=lambda end: end.completion_index)
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": written,
            "total_tokens": prompt_tokens + written,
        },
    }


def error_body(sentence: str, kind: str) -> dict[str, Any]:
    """Build an error in the protocol's format."""
    return {"error": {"message": sentence, "type": kind, "param": None, "code": None}}


def _images(message: Message) -> tuple[PromptImage, ...]:
    """Pictures of a message; each box is its own pixels, as there is no slide."""
    urls = [part.image_url for part in message.content if part.type == "image_url"]
    if len(urls) > IMAGES:
        raise PromptError(user_messages.too_many_pictures(len(urls), IMAGES))
    return tuple(_image(url.url if url else "") for url in urls)


def _image(url: str) -> PromptImage:
    """Picture from a data URI."""
    start = next((start for start in DATA_URIS if url[: len(start)].lower() == start), None)
    if start is None:
        raise PromptError(user_messages.PICTURE_NOT_EMBEDDED)
    try:
        data = base64.b64decode(url[len(start) :], validate=True)
    except binascii.Error as error:
        raise PromptError(user_messages.PICTURE_NOT_BASE64) from error
    width, height = open_picture(data).size
    return PromptImage(data, Box(0, 0, width, height))
