"""`python -m pathviewer train data ...`: training pictures, and checks of their splits."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import ModelError
from pathviewer.slides.errors import SlideError

if TYPE_CHECKING:
    from models.training.data.tiles import Tile

app = typer.Typer(no_args_is_help=True, help="Tiles: import, phantom, cut, check.")

Out = Annotated[Path, typer.Option(help="Folder to write; must not exist or be empty.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
MOST_PRINTED_PAIRS = 20
"""Most printed pairs."""


@contextmanager
def training_errors() -> Iterator[None]:
    """Turn an error into a sentence and exit 1."""
    try:
        yield
    except ModuleNotFoundError as error:
        sys.exit(f"Training needs {error.name}: pip install -r requirements-train.txt installs it.")
    except (ModelError, SlideError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"Writing failed: {error.strerror}. Choose another --out.")


@app.command("import")
def import_command(
    source: Annotated[Path, typer.Option("--from", help="Folder with tiles.")],
    out: Out,
    groups: Annotated[
        Path | None, typer.Option(help="CSV of LC25000-clean, or the folder of its annotations.")
    ] = None,
    per_group: Annotated[int | None, typer.Option(help="Most copies of one tissue.")] = None,
) -> None:
    """Copy tiles into a data folder and assign their splits.

    Reads a folder with manifest.csv (path, label, group_id) or LC25000's public archive.
    """
    with training_errors():
        from models.training.data.import_tiles import find_pictures, import_tiles

        total = len(find_pictures(source)) if (source / "manifest.csv").is_file() else None
        with bar("Importing tiles", total) as step:
            done = import_tiles(source, out, groups=groups, per_group=per_group, progress=step)
        sources = (
            f"{done.listed_groups} groups by the committed list, {done.unlisted_groups} by its rule"
        )
        typer.echo(f"Wrote {len(done.tiles)} tiles; splits: {sources}.", err=True)
        typer.echo(table(done.tiles), err=True)


@app.command("phantom")
def phantom_command(
    out: Out,
    count: Annotated[int, typer.Option(help="Tiles to write.")] = 1500,
    seed: Annotated[int, typer.Option(help="Seed of the phantom slides.")] = 1,
) -> None:
    """Cut tiles from phantom slides, with the true number of nuclei in each quadrant."""
    with training_errors():
        from pathviewer.commands.phantom_tiles import write_phantom_tiles

        with bar("Drawing phantoms", count) as step:
            tiles = write_phantom_tiles(out, count=count, seed=seed, progress=step)
        typer.echo(table(tiles), err=True)


@app.command("cut")
def cut_command(
    slides: Annotated[list[Path], typer.Argument(help="Slides, each a group by its name.")],
    out: Out,
    label: Annotated[str, typer.Option(help="Label of the tiles.")] = "other",
) -> None:
    """Cut slides into tiles of 224 px at 1 um/px, to measure a model on other tissue."""
    with training_errors():
        from pathviewer.commands.slide_tiles import cut_tiles

        with bar("Cutting slides", None) as step:
            tiles = cut_tiles(out, slides, label=label, progress=step)
        typer.echo(table(tiles), err=True)


@app.command("check")
def check_command(
    folders: Annotated[list[Path], typer.Argument(help="Data folders, taken together.")],
    limit: Annotated[
        int | None, typer.Option(help="Most of 256 bits by which near-identical pictures differ.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no group and no near-identical picture is in two splits; exit 1 if one is."""
    with training_errors():
        from models.training.data.near_duplicates import NEAR_DISTANCE
        from models.training.data.split_proof import check_folders

        with bar("Comparing pictures", None) as step:
            result = check_folders(
                folders, limit=NEAR_DISTANCE if limit is None else limit, progress=step
            )
    if as_json:
        typer.echo(json.dumps(result.as_dict()))
    else:
        for sentence in result.sentences(MOST_PRINTED_PAIRS):
            typer.echo(sentence)
    if result.has_overlap:
        raise typer.Exit(1)


@contextmanager
def bar(label: str, length: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr; without a length it only counts."""
    with typer.progressbar(
        length=length or 1, label=label, file=sys.stderr, show_pos=True, update_min_steps=25
    ) as shown:
        if length is None:
            shown.length = None
        yield shown.update


def table(tiles: Sequence[Tile]) -> str:
    """Format the tiles by label and split, a line per label."""
    counts = Counter((tile.label, tile.split) for tile in tiles)
    lines = []
    for label in sorted({label for label, _ in counts}):
        counts_text = ", ".join(f"{split} {counts[label, split]}" for split in _splits(counts))
        lines.append(f"{label}: {counts_text}")
    return "\n".join(lines)


def _splits(counts: Counter[tuple[str, str]]) -> list[str]:
    from models.training.data.tiles import SPLITS

    return [split for split in SPLITS if any(split == has for _, has in counts)]
