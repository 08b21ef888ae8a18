"""A model small enough to know what it sees: it looks for red, and answers by it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.attention import NEUTRAL_QUESTION
from models.engines.base import EngineStatus
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    ImagePlacement,
    ModelInfo,
    PixelBudget,
    Prompt,
    PromptImage,
    Token,
    TokenScores,
)
from models.pictures import open_picture
from models.placement import place_picture

BUDGET = PixelBudget(3136, 65_536)
TEXT = "<think>\n1. The picture is looked at.\n2. A red spot is seen.\n</think><answer>A</answer>"
ON_PICTURE = 0.4
"""Share of attention that the pictures get."""

INFO = ModelInfo(
    name="red-spot",
    revision="1",
    architecture="RedSpot",
    parameters=0,
    device="cpu",
    dtype="float32",
    attention="none",
    context=4096,
    budget=BUDGET,
    layers=2,
)


class RedSpot:
    """A Backend in plain Python; its attention is on red where its words are about the spot."""

    def __init__(self, text: str = TEXT, about: str = "red", decided: str = "A") -> None:
        """`text` is what it answers, whatever is asked; from the word `about` on it looks at red.

        `decided` is the word that is as likely as there is red.
        """
        self.text = text
        self.about = about
        self.decided = decided
        self.requests: list[GenerateRequest] = []

    def status(self) -> EngineStatus:
        """Always ready."""
        return EngineStatus("ready", "red-spot is ready.", INFO)

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """The text, word by word; a neutral question is answered looking at the first cell."""
        self.requests.append(request)
        name = request.request_id
        budget = request.budget or BUDGET
        placements = tuple(_placed(image, budget) for image in request.prompt.images)
        yield GenerationStart(name, placements, 10, INFO)
        tokens = re.findall(r"\s*\S+|\s+$", self.text)[: request.sampling.max_new_tokens]
        all_rows = self._rows(request.prompt, placements, tokens)
        for number, (token, rows) in enumerate(zip(tokens, all_rows, strict=True)):
            if request.attention:
                yield AttentionRows(name, 0, number, rows[None])
            yield Token(name, 0, number, token)
        ends = tuple(np.cumsum([len(token) for token in tokens]).tolist())
        text = "".join(tokens)
        whole = text == self.text
        done = Completion(text, tuple(range(len(tokens))), ends, "stop" if whole else "length")
        yield CompletionEnd(name, 0, done, 0.2, 0.1)

    def cancel(self, request_id: str) -> None:
        """Nothing is ever under way."""

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,  # noqa: ARG002
        budget: PixelBudget | None = None,
    ) -> list[TokenScores]:
        """`A` is as likely as the redness of the reddest cell; all else is certain."""
        return [self._scored(*item, budget or BUDGET) for item in items]

    def attend(
        self, prompt: Prompt, completion: Completion, *, budget: PixelBudget | None = None
    ) -> AttentionRows:
        """Rows of any text, as if it had written it, by the tokens of `score`."""
        placements = [_placed(image, budget or BUDGET) for image in prompt.images]
        return AttentionRows("", 0, 0, self._rows(prompt, placements, _pieces(completion.text)))

    def close(self) -> None:
        """Nothing to let go of."""

    def _rows(
        self, prompt: Prompt, placements: Sequence[ImagePlacement], tokens: Sequence[str]
    ) -> NDArray[np.float32]:
        """(tokens, layers, cells): red once the words are about it, else mostly the first cell."""
        seen = zip(prompt.images, placements, strict=True)
        red = np.concatenate([_share(redness(image, placed)) for image, placed in seen])
        sink = np.full_like(red, 1 / red.size)
        sink[0] *= 200
        about, found = False, []
        for token in tokens:
            about |= self.about in token
            neutral = prompt.text == NEUTRAL_QUESTION or not about
            found.append(_share(sink if neutral else sink + 2 * red) * ON_PICTURE)
        return np.stack([found, found], axis=1).astype(np.float32)

    def _scored(self, prompt: Prompt, completion: Completion, budget: PixelBudget) -> TokenScores:
        tokens = _pieces(completion.text)
        red = max(float(redness(i, _placed(i, budget)).max()) for i in prompt.images)
        chances = [0.02 + 0.97 * red if token == self.decided else 1.0 for token in tokens]
        ends = tuple(np.cumsum([len(token) for token in tokens]).tolist())
        return TokenScores(tuple(range(len(tokens))), ends, np.log(chances).astype(np.float32))


def _pieces(text: str) -> list[str]:
    """Words, and what stands between them."""
    return re.findall(r"\w+|\W+", text)


def redness(image: PromptImage, placement: ImagePlacement) -> NDArray[np.float64]:
    """(cells,): how red each cell is, 0 to 1."""
    small = open_picture(image.data).resize(
        (placement.columns, placement.rows), Image.Resampling.BOX
    )
    pixels = np.asarray(small, np.float64)
    found: NDArray[np.float64] = (pixels[..., 0] - pixels[..., 1:].max(axis=-1)).clip(0) / 255
    return found.ravel()


def _placed(image: PromptImage, budget: PixelBudget) -> ImagePlacement:
    return place_picture(image.box, *open_picture(image.data).size, budget)


def _share(values: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = values / max(values.sum(), 1e-12)
    return share
