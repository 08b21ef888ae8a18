"""Answers of an evaluation, stored as they come, so that a killed run can continue."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from models.evaluation.items import EvaluationError
from models.messages import Finish

Arm = Literal["asked", "permuted", "free-form", "other-image", "other-colours"]
"""Variant of a question: as is, with options reordered, without options, about another picture, or
with that picture's colours.
"""


@dataclass(frozen=True)
class RecordedAnswer:
    """A model's completion for one question."""

    item: str
    """Id of the question."""
    arm: Arm
    """Variant of the question."""
    text: str
    """Full completion."""
    tokens: int
    """Its length in tokens."""
    seconds: float
    """Seconds of work, not counting the wait."""
    first_token_seconds: float
    """Seconds from the start of work to the first token."""
    error: str = ""
    """Why there is no completion; empty if there is one."""
    finish: Finish | None = None
    """Why the completion ended; None for an error, and in files of older versions."""


class AnswerFile:
    """Answers by question and arm, each written to disk before the next question is asked.

    One JSON object per line; the first describes the run. A last line truncated by a kill is
    dropped. Raises EvaluationError if the file belongs to another run or cannot be written.
    """

    def __init__(self, path: Path | None, run: Mapping[str, Any]) -> None:
        """Open or create the file; None holds answers in memory only."""
        self.answers: dict[tuple[str, Arm], RecordedAnswer] = {}
        self._file: IO[bytes] | None = None
        if path is not None:
            try:
                self._file = self._open(path, json.loads(json.dumps(dict(run))))
            except OSError as error:
                raise EvaluationError(_write_sentence(path, error)) from error

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file; all answers are already on disk."""
        if self._file:
            self._file.close()

    def __contains__(self, key: tuple[str, Arm]) -> bool:
        """Whether a question was answered; one that ended in an error is asked again."""
        return key in self.answers and not self.answers[key].error

    def add(self, answer: RecordedAnswer) -> None:
        """Store an answer durably."""
        self.answers[answer.item, answer.arm] = answer
        if self._file:
            try:
                _write(self._file, asdict(answer))
            except OSError as error:
                raise EvaluationError(_write_sentence(Path(self._file.name), error)) from error

    def _open(self, path: Path, run: dict[str, Any]) -> IO[bytes]:
        """Read the file, drop an incomplete last line and open it for appending."""
        path.parent.mkdir(parents=True, exist_ok=True)
        complete_bytes = 0
        if path.exists():
            for number, line in enumerate(path.read_bytes().splitlines(keepends=True)):
                if not line.endswith(b"\n"):
                    break
                self._read(path, number, line, run)
                complete_bytes += len(line)
        # Unbuffered, so that a full disk fails here and not on closing.
        file = path.open("ab", buffering=0)
        file.truncate(complete_bytes)
        if not complete_bytes:
            _write(file, {"run": run})
        return file

    def _read(self, path: Path, number: int, line: bytes, run: dict[str, Any]) -> None:
        """Process one complete line."""
        try:
            value = json.loads(line)
            if number:
                answer = RecordedAnswer(**value)
                self.answers[answer.item, answer.arm] = answer
                return
            before = dict(value["run"])
        except (ValueError, TypeError, KeyError) as error:
            message = f"{path.name} is not a file of answers (line {number + 1}); choose another."
            raise EvaluationError(message) from error
        changed = sorted(key for key in {*run, *before} if run.get(key) != before.get(key))
        if changed:
            message = (
                f"{path.name} holds answers of another run (other {', '.join(changed)}); "
                "choose another folder, or repeat that run's options to continue it."
            )
            raise EvaluationError(message)


def _write(file: IO[bytes], value: dict[str, Any]) -> None:
    """Append a line durably."""
    remaining = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    while remaining:
        remaining = remaining[file.write(remaining) :]
    os.fsync(file.fileno())


def _write_sentence(path: Path, error: OSError) -> str:
    """Message that answers cannot be stored."""
    return (
        f"{path.name} cannot be written ({error.strerror or error}); earlier answers are stored, "
        "and the same command continues from them."
    )
