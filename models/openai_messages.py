"""OpenAI's chat completions as values: a request read, a reply written."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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
"""Most pictures of one request."""
LENGTH = 512
"""Tokens written where a request does not say how many."""


class ImageUrl(BaseModel):
    """Where a picture is: always in the request itself, since nothing is fetched from here."""

    url: str
    detail: str = "auto"


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "image_url"]
    text: str = ""
    image_url: ImageUrl | None = None


def _as_parts(content: Any) -> Any:
    """A message that is a mere text, as its one part."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class Message(BaseModel):
    """A message; there is one of the user, and there may be some of the system before it."""

    role: Literal["system", "developer", "user"]
    content: Annotated[list[Part], BeforeValidator(_as_parts)]

    @property
    def text(self) -> str:
        """Its text, parts one below the other."""
        return "\n".join(part.text for part in self.content if part.type == "text")


class ChatRequest(BaseModel):
    """The fields that mean something here, and those that may be there and do nothing."""

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
    """Accepted and not enforced: whoever asks for a schema checks the reply."""
    user: Any = None
    metadata: Any = None
    store: Any = None


def read_request(payload: bytes) -> ChatRequest:
    """A request's body; PromptError names the first field that is wrong."""
    try:
        return ChatRequest.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"The request cannot be read: {where + ': ' if where else ''}{first['msg']}."
        raise PromptError(message) from error


def generation_request(
    request: ChatRequest, *, system: str | None = None, budget: PixelBudget | None = None
) -> GenerateRequest:
    """The request as a backend takes it; `system` where it has no system message.

    Raises PromptError for other turns than one of the user, pictures that are not in the request
    or cannot be read, and sampling out of range.
    """
    *before, last = request.messages
    if last.role != "user" or any(message.role == "user" for message in before):
        message = "One question at a time: system messages, then one message of the user."
        raise PromptError(message)
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
    """The finished completions as a chat completion."""
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
    """An error in the shape that clients of the protocol look for."""
    return {"error": {"message": sentence, "type": kind, "param": None, "code": None}}


def _images(message: Message) -> tuple[PromptImage, ...]:
    """The pictures of a message; each shows its own pixels, there being no slide."""
    urls = [part.image_url for part in message.content if part.type == "image_url"]
    if len(urls) > IMAGES:
        problem = f"{len(urls)} pictures are too many; at most {IMAGES} are read."
        raise PromptError(problem)
    return tuple(_image(url.url if url else "") for url in urls)


def _image(url: str) -> PromptImage:
    """The picture in a data URI."""
    start = next((start for start in DATA_URIS if url[: len(start)].lower() == start), None)
    if start is None:
        message = (
            "A picture must be in the request itself, as data:image/png;base64,... or "
            "data:image/jpeg;base64,...; none is fetched."
        )
        raise PromptError(message)
    try:
        data = base64.b64decode(url[len(start) :], validate=True)
    except binascii.Error as error:
        message = "A picture is not base64."
        raise PromptError(message) from error
    width, height = open_picture(data).size
    return PromptImage(data, Box(0, 0, width, height))
