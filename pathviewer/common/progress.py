"""A progress bar for commands whose results go to stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on stderr; yield its `step(done, total)`."""
    with typer.progressbar(length=1, label=label, file=sys.stderr, show_pos=True) as shown:

        def step(done: int, total: int) -> None:
            shown.length = max(1, total)
            shown.update(done - shown.pos)

        yield step
