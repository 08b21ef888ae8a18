"""Slides made of several files: index files, and checks that no file is outside the slide folder.

OpenSlide recognises Hamamatsu VMS and VMU files by content, whatever their suffix, and opens every
file that they name, `../` included. For a DICOM file, it opens all files in the same folder. This
module reads index files as text first, and opens none of the files that they name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pathviewer.slides import user_messages
from pathviewer.slides.errors import SlideUnopenable

TEXT_LIMIT = 2**20
"""Most bytes read from a key file; OpenSlide accepts no longer ones."""

MIRAX_INDEX = "Slidedat.ini"
"""File in the folder of a MIRAX slide that names the others."""

# anywhere: a parser skips byte order marks and comments, and ends a line at a NUL
_HAMAMATSU = re.compile(rb"\[(?:Uncompressed )?Virtual Microscope Specimen\]")
_HAMAMATSU_KEYS = re.compile(r"(ImageFile|MapFile|OptimisationFile|MacroImage)\b")
_MIRAX_KEYS = re.compile(r"(INDEXFILE|FILE_\d+)$")
_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_BLANKS = " \t\n\f\r"
_DICOM_PREAMBLE = 128


_roots: list[Path] = []
"""Slide folders of this process, links resolved; if empty, `check_companions` allows all."""


def names_other_files(path: Path) -> bool:
    """Return whether OpenSlide would take the file for the index of a slide made of several files.

    Raises OSError.
    """
    return path.suffix.lower() == ".mrxs" or _HAMAMATSU.search(_text(path)) is not None


def companion_fault(path: Path, root: Path) -> str | None:
    """Return why a file in the slide folder `root` must not be opened; None if it may be.

    A file must not refer to any file outside `root`. The reason is the end of a sentence that
    begins with the file's name. Raises OSError.
    """
    real_root = Path(os.path.realpath(root))
    companions = _companions(path)
    return (
        None
        if all(_lies_within(one, real_root) for one in companions)
        else user_messages.COMPANION_OUTSIDE
    )


def confine_companions(folders: Iterable[Path]) -> None:
    """Confine slides of this process to these folders; `check_companions` enforces it."""
    _roots[:] = [Path(os.path.realpath(folder)) for folder in folders]


def check_companions(path: Path, name: str) -> None:
    """Raise SlideUnopenable for a slide that refers to files outside its folder.

    The files may have changed since the slide was listed. `name` is the slide's name in messages. A
    missing file is left to OpenSlide.
    """
    real = Path(os.path.realpath(path))
    roots = [root for root in _roots if real.is_relative_to(root)]
    with suppress(FileNotFoundError):
        if roots and all(companion_fault(real, root) for root in roots):
            raise SlideUnopenable(user_messages.file_fault(name, user_messages.COMPANION_OUTSIDE))


def _companions(path: Path) -> Iterator[Path | None]:
    """Yield the files that OpenSlide would open with this one; None for an absolute name."""
    if path.suffix.lower() == ".mrxs":
        folder = path.with_suffix("")
        index = folder / MIRAX_INDEX
        yield index
        if index.is_file():
            yield from _named_files(folder, _text(index), _MIRAX_KEYS)
        return
    text = _text(path)
    if _HAMAMATSU.search(text):
        yield from _named_files(path.parent, text, _HAMAMATSU_KEYS)
    elif _is_dicom(path):
        with os.scandir(path.parent) as entries:
            links = [entry for entry in entries if entry.is_symlink()]
        yield from (Path(link.path) for link in links if not Path(link.path).is_dir())


def _named_files(folder: Path, text: bytes, keys: re.Pattern[str]) -> Iterator[Path | None]:
    """Yield the files named by the keys of a key file, parsed like GLib.

    GLib preserves blanks at the end of a value, but not the carriage return of the line end.
    """
    for line in text.decode(errors="surrogateescape").split("\n"):
        key, equals, value = line.removesuffix("\r").partition("=")
        if equals and keys.match(key.strip()):
            name = _unescaped(value.lstrip(_BLANKS))
            yield None if name.startswith(("/", "\\")) else folder / name


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), value)


def _lies_within(path: Path | None, root: Path) -> bool:
    """Return whether a file, links resolved, is in the folder `root`, or would be if it existed."""
    if path is None:
        return False
    try:
        return Path(os.path.realpath(path)).is_relative_to(root)
    except ValueError:  # a NUL, which no file name has
        return False


def _text(path: Path) -> bytes:
    """Return the content if the file is short enough for a key file, otherwise nothing."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > TEXT_LIMIT:
            return b""
        return file.read(TEXT_LIMIT)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_DICOM_PREAMBLE + 4)[_DICOM_PREAMBLE:] == b"DICM"
