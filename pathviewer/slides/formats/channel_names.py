"""Channels of TIFF files that are named in descriptions other than OME-XML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as XmlTree

_MOST_LETTERS = 2**20
"""Longer descriptions are not read; Akoya's have about ten thousand characters."""

_LONGEST_NAME = 40
_AKOYA = "<PerkinElmer-QPI-ImageDescription"
_IMAGEJ = re.compile(r"^(images|channels)=(\d{1,6})\s*$", re.MULTILINE)


def akoya_channels(descriptions: Iterable[str]) -> tuple[str, ...]:
    """Return the channel that each grey page of an Akoya (PerkinElmer) QPTIFF file is of.

    Empty for other files; pages in colour have no such name.
    """
    names = []
    for description in descriptions:
        if _AKOYA not in description[:4096] or len(description) > _MOST_LETTERS:
            continue
        try:
            # expat limits entity expansion since 2.4.1
            root = XmlTree.fromstring(description)  # noqa: S314
        except (XmlTree.ParseError, ValueError):
            continue
        name = (root.findtext("{*}Name") or "").strip()
        names += [name[:_LONGEST_NAME]] if name else []
    return tuple(names)


def imagej_counts(description: str) -> tuple[int, int]:
    """Return (channels, images) of an ImageJ stack as its first page states them, else (1, 1)."""
    if not description.startswith("ImageJ="):
        return 1, 1
    stated = dict(_IMAGEJ.findall(description[:4096]))
    return max(1, int(stated.get("channels", 1))), max(1, int(stated.get("images", 1)))


def channel_numbers(count: int) -> tuple[str, ...]:
    """Return names for channels that have none."""
    return tuple(f"channel {number}" for number in range(1, count + 1))
