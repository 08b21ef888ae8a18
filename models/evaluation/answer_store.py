"""The answers of an evaluation, kept as they come, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from models.evaluation.items import EvaluationError

Arm = Literal["asked", "permuted", "free-form"]
"""How a question was put: as it is, with its options in another order, without options."""


@dataclass(frozen=True)
class RecordedAnswer:
    """What a model wrote to one question."""

    item: str
    """The question's id."""
    arm: Arm
    """How it was put."""
    text: str
    """The whole completion."""
    tokens: int
    """Its length."""
    seconds: float
    """From the start of the work to its end, waiting not counted."""
    first_token_seconds: float
    """From the start of the work to its first token."""
    error: str = ""
    """Why there is no completion; empty if there is one."""


class AnswerFile:
    """Answers by question and arm, each written to disk before the next is asked.

    One JSON object per line; the first says what was asked of whom. A last line cut off by a kill
    is dropped. Raises EvaluationError if the file belongs to another run or cannot be written.
    """

    def __init__(self, path: Path | None, run: Mapping[str, Any]) -> None:
        """Open or begin the file; `None` keeps answers in memory only."""
        self.answers: dict[tuple[str, Arm], RecordedAnswer] = {}
        self._file: IO[bytes] | None = None
        if path is not None:
            try:
                self._file = self._open(path, json.loads(json.dumps(dict(run))))
            except OSError as error:
                raise EvaluationError(_write_sentence(path, error)) from error

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file; what was added is on disk already."""
        if self._file:
            self._file.close()

    def __contains__(self, key: tuple[str, Arm]) -> bool:
        """Whether a question was answered; one that ended in an error is asked again."""
        return key in self.answers and not self.answers[key].error

    def add(self, answer: RecordedAnswer) -> None:
        """Keep an answer, on disk when this returns."""
        self.answers[answer.item, answer.arm] = answer
        if self._file:
            try:
                _write(self._file, asdict(answer))
            except OSError as error:
                raise EvaluationError(_write_sentence(Path(self._file.name), error)) from error

    def _open(self, path: Path, run: dict[str, Any]) -> IO[bytes]:
        """The file, read, cut to its whole lines and ready for more."""
        path.parent.mkdir(parents=True, exist_ok=True)
        complete_bytes = 0
        if path.exists():
            for number, line in enumerate(path.read_bytes().splitlines(keepends=True)):
                if not line.endswith(b"\n"):
                    break
                self._read(path, number, line, run)
                complete_bytes += len(line)
        # Unbuffered, so that a line that does not fit the disk fails here and not on closing.
        file = path.open("ab", buffering=0)
        file.truncate(complete_bytes)
        if not complete_bytes:
            _write(file, {"run": run})
        return file

    def _read(self, path: Path, number: int, line: bytes, run: dict[str, Any]) -> None:
        """Take in one whole line."""
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
                "choose another folder, or repeat that run's options to go on with it."
            )
            raise EvaluationError(message)


def _write(file: IO[bytes], value: dict[str, Any]) -> None:
    """Append a line and have it on disk."""
    remaining = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    while remaining:
        remaining = remaining[file.write(remaining) :]
    os.fsync(file.fileno())


def _write_sentence(path: Path, error: OSError) -> str:
    """Why answers cannot be kept."""
    return (
        f"{path.name} cannot be written ({error.strerror or error}); answers before this one are "
        "kept, and the same command goes on from them."
    )
