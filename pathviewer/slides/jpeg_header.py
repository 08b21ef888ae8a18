"""What the header of a JPEG stream says, and what a browser must be told beside it."""

from __future__ import annotations

from dataclasses import dataclass

SOI = b"\xff\xd8"
"""Start of image: the first two bytes of every JPEG stream."""

_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_SOF0, _SOS, _APP0, _APP14 = 0xC0, 0xDA, 0xE0, 0xEE
_HARMLESS = {0xC4, 0xDB, 0xDD, 0xFE}
"""Huffman and quantisation tables, restart interval, comment."""


@dataclass(frozen=True)
class JpegHeader:
    """The markers before the first scan of a baseline, 8-bit JPEG stream."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    components: int
    """1 grey or 3 colours."""

    jfif: bool
    """Whether it has a JFIF marker, on which decoders assume YCbCr whatever else it says."""

    adobe: bool
    """Whether it has an Adobe marker (APP14) of its own."""


def parse_header(data: bytes) -> JpegHeader | None:
    """The header of a stream from its first bytes, `None` unless it is plain baseline JPEG.

    Plain means 8 bits, 1 or 3 components and no marker that changes what a browser draws, such
    as an embedded colour profile.
    """
    if data[:2] != SOI:
        return None
    position, frame = 2, b""
    marks: set[bytes] = set()
    while position + 4 <= len(data):
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        body = data[position + 4 : position + 2 + length]
        if data[position] != 0xFF or length < 2:
            return None
        if marker == _SOS:
            return _header(frame, marks)
        if marker == _SOF0:
            frame = body
        elif marker in (_APP0, _APP14):
            marks.add(body[:5])
        elif marker not in _HARMLESS:
            return None
        position += 2 + length
    return None


def _header(frame: bytes, marks: set[bytes]) -> JpegHeader | None:
    if len(frame) < 6 or frame[0] != 8 or frame[5] not in (1, 3):
        return None
    height, width = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    jfif, adobe = b"JFIF\0" in marks, b"Adobe" in marks
    return JpegHeader(width, height, frame[5], jfif, adobe)


def adobe_marker(*, rgb: bool) -> bytes:
    """An APP14 segment saying that three components are RGB, or that they are YCbCr.

    Adobe Technical Note 5116; without it browsers take the RGB tiles of Aperio for YCbCr.
    """
    return _ADOBE + (b"\x00" if rgb else b"\x01")
