"""Headers of JPEG tiles: checks that a browser draws a tile as OpenSlide does.

OpenSlide 4.0.1 uses the colour space of the file, whatever the tile states; browsers use that of
the tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SOI = b"\xff\xd8"
"""Start of image: the first two bytes of every JPEG stream."""

_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_ADOBE_TRANSFORM = 15
"""Offset of the colour transform in an APP14 segment, from its marker on."""

_SOF0, _SOS, _APP0, _APP14 = 0xC0, 0xDA, 0xE0, 0xEE
_TABLES = frozenset({0xC4, 0xDB, 0xDD, 0xFE})
"""Huffman and quantisation tables, restart interval, comment."""

_MOST_SEGMENTS = 40
"""Most segments parsed in a header; real ones have about ten."""


@dataclass(frozen=True)
class TileHeader:
    """Header data that a level's tiles must share with a tile that was compared with OpenSlide."""

    reference: bytes
    """Header of that tile, from `SOI` to the end of its first scan's header."""

    frame: bytes
    """Its frame header (SOF0): precision, size, components, their sampling."""

    scan: bytes
    """Its first scan's header (SOS)."""

    rgb: bool | None
    """Whether three components are RGB or YCbCr, by the file; `None` for one component."""

    def allows(self, data: bytes | bytearray, start: int = 0) -> bool:
        """Return whether the tile at `start` may be served unchanged; reads its header only."""
        return data.startswith(self.reference, start) or self._is_plain(data, start)

    def _is_plain(self, data: bytes | bytearray, start: int) -> bool:
        """Check a tile whose header is not the reference; one loop, because this code is hot."""
        if not data.startswith(SOI, start):
            return False
        place, has_frame = start + 2, False
        try:
            for _ in range(_MOST_SEGMENTS):
                marker = data[place + 1]
                end = place + 2 + (data[place + 2] << 8 | data[place + 3])
                if data[place] != 0xFF or end < place + 4:
                    return False
                if marker == _SOS:
                    return has_frame and data.startswith(self.scan, place)
                if marker == _SOF0 and not has_frame and data.startswith(self.frame, place):
                    has_frame = True
                elif marker not in _TABLES and not self._is_right_mark(data, place, end):
                    return False
                place = end
        except IndexError:
            pass
        return False

    def _is_right_mark(self, data: bytes | bytearray, place: int, end: int) -> bool:
        """Return whether a segment is a colour marker that agrees with the file.

        With APP0, decoders treat three components as YCbCr, whatever APP14 says.
        """
        if data[place + 1] == _APP0:
            return not self.rgb
        return (
            data[place + 1] == _APP14
            and self.rgb is not None
            and end == place + len(adobe_marker(rgb=self.rgb))
            and data.startswith(_ADOBE[4:9], place + 4)
            and data[place + _ADOBE_TRANSFORM] == (0 if self.rgb else 1)
        )


def read_tile_header(
    head: bytes, rgb: bool | None, size: tuple[int, int], tables: bytes = b""
) -> TileHeader | None:
    """Return the header of a level's tiles from the first bytes of one of them, `head`.

    `tables` are the segments that the file stores once for all tiles. `None` unless the tile is
    8-bit baseline JPEG of `size`, (width, height), without markers that make a browser draw it
    differently from OpenSlide, such as a colour profile.
    """
    segments = {marker: (place, end) for marker, place, end in _segments(head)}
    if _SOF0 not in segments or _SOS not in segments:
        return None
    frame, scan = (head[slice(*segments[marker])] for marker in (_SOF0, _SOS))
    frame_facts = frame[4], int.from_bytes(frame[7:9]), int.from_bytes(frame[5:7]), frame[9]
    if frame_facts != (8, *size, 1 if rgb is None else 3):
        return None
    header = TileHeader(head[: segments[_SOS][1]], frame, scan, rgb)
    stream = SOI + tables + head[2:]
    return header if header._is_plain(stream, 0) else None


def _segments(head: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, first byte, byte after the last) up to the first scan's complete header."""
    place = len(SOI)
    while place + 4 <= len(head):
        marker, end = head[place + 1], place + 2 + int.from_bytes(head[place + 2 : place + 4])
        if end < place + 4 or end > len(head) or (marker == _SOF0 and end < place + 10):
            return
        yield marker, place, end
        if marker == _SOS:
            return
        place = end


def adobe_marker(*, rgb: bool) -> bytes:
    """Return an APP14 segment that declares three components as RGB or YCbCr.

    Adobe Technical Note 5116; without it, browsers treat Aperio's RGB tiles as YCbCr.
    """
    return _ADOBE + (b"\x00" if rgb else b"\x01")


def tile_prefix(header: TileHeader, tables: bytes = b"") -> bytes:
    """Return the bytes that replace a tile's first two bytes when it is served."""
    return SOI + (b"" if header.rgb is None else adobe_marker(rgb=header.rgb)) + tables
