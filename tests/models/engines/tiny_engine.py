"""A `Backend` without a network, built inside a worker's process; its prompts are orders."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.engines.base import EngineStatus
from models.errors import CheckpointError, PromptError
from models.messages import (
    AttentionRows,
    Completion,
    CompletionEnd,
    Event,
    GenerateRequest,
    GenerationStart,
    PixelBudget,
    Prompt,
    Token,
    TokenScores,
)
from tests.models.backend_with_answers import INFO as ANSWERING

INFO = replace(ANSWERING, name="tiny", revision="0", context=100, budget=PixelBudget(784, 784))


class Unreadable:
    """Pickles well; whoever unpickles it runs out of memory."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (2**62,)


class Unsayable:
    """Whoever pickles it runs out of memory."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (len(bytearray(2**62)),)


class TinyEngine:
    """Writes as many tokens as its prompt says, so slowly as it says: `write 20 0.01`."""

    def __init__(self, load: str = "", memory_mib: int = 0) -> None:
        print("loading")  # noqa: T201  libraries print; it must not reach the pipe
        if load == "refuse":
            raise CheckpointError("The checkpoint “tiny” is cut off; copy it again.")
        if load == "break":
            raise TypeError("a defect")
        if load == "die":
            os._exit(3)
        if load.startswith("slow"):
            time.sleep(float(load.split()[1]))
        if memory_mib:
            pages_now = int(Path("/proc/self/statm").read_text().split()[0])
            bytes_now = pages_now * resource.getpagesize()
            limit = bytes_now + memory_mib * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()

    def status(self) -> EngineStatus:
        """Ready, once it is there."""
        return EngineStatus("ready", "It is ready.", INFO)

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Do as the prompt says."""
        self._cancelled.discard(request.request_id)
        order, *rest = request.prompt.text.split()
        if order == "eat":
            bytearray(int(rest[0]) * 2**20)
        elif order == "die":
            os._exit(9)
        elif order == "break":
            raise TypeError("a defect")
        elif order == "gpu":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        elif order == "refuse":
            raise PromptError("The prompt is refused.")
        yield GenerationStart(request.request_id, (), 1, INFO)
        if order == "unreadable":
            yield Token(request.request_id, 0, 0, Unreadable())  # type: ignore[arg-type]
        count, pause = (int(rest[0]), float(rest[1])) if order == "write" else (1, 0.0)
        text, finish = "", "stop"
        for number in range(count):
            if request.request_id in self._cancelled:
                finish = "cancelled"
                break
            word = f"{number} " if order == "write" else f"{self._answer(order)}"
            text += word
            yield Token(request.request_id, 0, number, word)
            if request.attention:
                rows = np.full((1, 1, 4), 0.25, np.float32)
                yield AttentionRows(request.request_id, 0, number, rows)
            time.sleep(pause)
        ids = tuple(range(text.count(" ")))
        done = Completion(text, ids, (), finish, tuple(-number / 8 for number in ids))  # type: ignore[arg-type]
        yield CompletionEnd(request.request_id, 0, done, 0.0, 0.0)

    def _answer(self, order: str) -> str:
        answers = {
            "pid": os.getpid(),
            "modules": " ".join(sorted(sys.modules)),
            "files": " ".join(_open_files()),
            "environment": " ".join(f"{name}={value}" for name, value in os.environ.items()),
        }
        return str(answers[order])

    def cancel(self, request_id: str) -> None:
        """Stop before the next token."""
        self._cancelled.add(request_id)

    def score(
        self,
        items: Sequence[tuple[Prompt, Completion]],
        *,
        priority: int = 0,  # noqa: ARG002
        budget: PixelBudget | None = None,  # noqa: ARG002
    ) -> list[TokenScores]:
        """One token of -1 for every item."""
        return [TokenScores((1,), (1,), np.array([-1.0], np.float32)) for _ in items]

    def attend(
        self,
        prompt: Prompt,  # noqa: ARG002
        completion: Completion,
        *,
        budget: PixelBudget | None = None,  # noqa: ARG002
    ) -> AttentionRows:
        """One even row for every character."""
        rows = np.full((len(completion.text), 1, 4), 0.25, np.float32)
        return AttentionRows("", 0, 0, rows)

    def close(self) -> None:
        """Nothing to let go of."""


def _open_files() -> Iterator[str]:
    """What this process's descriptors lead to."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder's own
            yield str(link.readlink())
