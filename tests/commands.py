"""Commands called in this process, as a person calls them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import typer
from typer.testing import CliRunner


class Called(NamedTuple):
    """How a command ended."""

    code: int
    """Its exit status."""
    stdout: str
    """What it printed."""
    stderr: str
    """What it printed beside that; of one that ended with a sentence, the sentence."""

    by_sentence: bool = False
    """Whether that is what ended it."""

    @property
    def told(self) -> str:
        """The sentence that ended it, else what it printed."""
        return self.stderr if self.by_sentence else self.stdout


def called(app: typer.Typer, *arguments: str | Path, typed: str = "") -> Called:
    """Call it; only SystemExit may end it otherwise than well."""
    done = CliRunner().invoke(app, [str(each) for each in arguments], input=typed)
    if isinstance(done.exception, SystemExit) and isinstance(done.exception.code, str):
        sentence = done.exception.code
        printed = done.stdout.removesuffix(f"{sentence}\n")  # where the runner adds it
        return Called(1, printed, sentence, by_sentence=True)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Called(done.exit_code, done.stdout, done.stderr)
