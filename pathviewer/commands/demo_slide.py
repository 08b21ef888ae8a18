"""The command `demo-slide`: write a slide for a first look."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pathviewer.settings import read_settings
from pathviewer.slides.demo_slide import PHANTOM_HEIGHT, PHANTOM_SEED, PHANTOM_WIDTH, demo_slide
from pathviewer.slides.phantom import PhantomError, write_phantom


def demo_slide_command(
    out: Annotated[
        Path | None, typer.Option(help="File to write; the demo folder if not given.")
    ] = None,
    phantom: Annotated[
        bool, typer.Option("--phantom", help="A synthetic slide with known ground truth.")
    ] = False,
    width: Annotated[int, typer.Option(help="Of the phantom, pixels.")] = PHANTOM_WIDTH,
    height: Annotated[int, typer.Option(help="Of the phantom, pixels.")] = PHANTOM_HEIGHT,
    seed: Annotated[int, typer.Option(help="Of the phantom.")] = PHANTOM_SEED,
) -> None:
    """Download the demo slide or draw a phantom; print its path on stdout."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        path = _make(out, phantom, width, height, seed)
    except PhantomError as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from problem
    except OSError as problem:
        typer.echo(
            f"The slide cannot be written: {problem.strerror}. Choose another --out.", err=True
        )
        raise typer.Exit(1) from problem
    typer.echo(str(path))


def _make(out: Path | None, phantom: bool, width: int, height: int, seed: int) -> Path:
    with _bar() as progress:
        if out is not None and phantom:
            write_phantom(out, width=width, height=height, seed=seed, progress=progress)
            return out
        path = demo_slide(
            read_settings().demo,
            phantom=phantom,
            width=width,
            height=height,
            seed=seed,
            progress=progress,
        )
    return path if out is None else _copy(path, out)


def _copy(source: Path, out: Path) -> Path:
    """Copy a slide, with a phantom's ground truth, under another name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out)
    for truth in source.parent.glob(f"{source.stem}.truth.*"):
        shutil.copyfile(truth, out.with_name(f"{out.stem}.truth{truth.suffix}"))
    return out


@contextmanager
def _bar() -> Iterator[Callable[[float], None]]:
    """Show a progress bar on stderr, from the first reported progress on."""
    with ExitStack() as stack:
        done = 0
        advance: Callable[[int], None] | None = None

        def show(share: float) -> None:
            nonlocal done, advance
            if advance is None:
                bar = typer.progressbar(length=1000, label="Drawing the phantom", file=sys.stderr)
                advance = stack.enter_context(bar).update
            advance(round(share * 1000) - done)
            done = round(share * 1000)

        yield show
