"""Size of a compressed tile by its header, checked so that no decoder exhausts the memory.

WebP: RFC 9649. JPEG 2000: ISO 15444-1, A.5.1. JPEG: ITU T.81, B.2.2. JPEG-LS: ITU T.87, C.2.2. JPEG
XL: ISO 18181-1, 9.2. JPEG XR: ITU T.832, A.7. LERC: Esri's Lerc2.h and CntZImage.h.
"""

from __future__ import annotations

import struct

Size = tuple[int, int]
"""(width, height) in pixels."""

_JPEG_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_JPEG_LS = 0xF7
_JXR_SIDES = (0xBC80, 0xBC81)
_JXR_VALUES = {1: 1, 3: 2, 4: 4}
"""Bytes of a value, by its type."""

_ANY = 2**32
"""A side that the header leaves open: larger than any tile."""

_JXL_SIDE_BITS = (9, 13, 18, 30)
_JXL_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def stream_size(data: bytes) -> Size | None:
    """Return (width, height) stated in a stream's header; `None` for other kinds of streams."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:4] == b"\xff\x4f\xff\x51":
        return _jpeg2000(data)
    if data[:4] == b"II\xbc\x01":
        return _jpegxr(data)
    if data[:6] == b"Lerc2 " or data[:10] == b"CntZImage ":
        return _lerc(data)
    if data[:2] == b"\xff\x0a":
        return _jpegxl(data[2:14])
    box = _first_box(data)
    if box is not None:
        return stream_size(box)
    return None


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25:
        sides = int.from_bytes(data[21:25], "little")
        return 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 2], "little") for at in (26, 28))
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg(data: bytes) -> Size | None:
    """Return the size in the first frame header, whatever the process and bits.

    JPEG-LS may state a side of 0 there and the true one elsewhere.
    """
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return (width, height) if marker != _JPEG_LS else (width or _ANY, height or _ANY)
        position += 1 if marker == 0xFF else 2 + length
    return None


def _jpegxr(data: bytes) -> Size | None:
    """Return the size in the first directory, which has TIFF's format."""
    if len(data) < 8:
        return None
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    sides = {}
    for place in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        tag, kind = struct.unpack_from("<HH", data, place)
        if tag in _JXR_SIDES:
            value = data[place + 8 : place + 8 + _JXR_VALUES.get(kind, 4)]
            sides[tag] = int.from_bytes(value, "little")
    return (sides[_JXR_SIDES[0]], sides[_JXR_SIDES[1]]) if len(sides) == 2 else None


def _lerc(data: bytes) -> Size | None:
    """Return a size that counts all values of a pixel, of which there may be any number."""
    if data[:1] == b"C":
        return _sides(data, 18, 1)
    version = int.from_bytes(data[6:10], "little")
    first = 14 if version >= 3 else 10
    return _sides(data, first, int.from_bytes(data[22:26], "little") if version >= 4 else 1)


def _sides(data: bytes, place: int, values: int) -> Size | None:
    if len(data) < place + 12:
        return None
    height, width = struct.unpack_from("<II", data, place)
    return width, height * max(1, -(-values // 4))


def _jpeg2000(data: bytes) -> Size | None:
    """Return a size that counts all components: a stream may have thousands of them."""
    if len(data) < 42:
        return None
    right, bottom, left, top = (int.from_bytes(data[at : at + 4]) for at in (8, 12, 16, 20))
    components = int.from_bytes(data[40:42])
    return right - left, (bottom - top) * max(1, -(-components // 4))


def _jpegxl(head: bytes) -> Size | None:
    """Return the size from the header bits, read from the lowest on."""
    bits, place = int.from_bytes(head, "little"), 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        return bits >> (place - count) & (1 << count) - 1

    def side(small: int) -> int:
        return 8 * (1 + take(5)) if small else 1 + take(_JXL_SIDE_BITS[take(2)])

    small = take(1)
    height = side(small)
    ratio = _JXL_RATIOS.get(take(3))
    width = side(small) if ratio is None else height * ratio[0] // ratio[1]
    return width, height


def _first_box(data: bytes) -> bytes | None:
    """Return the code stream in the boxes of a JP2 or JPEG XL file, `None` if there is none."""
    if data[4:8] not in (b"jP  ", b"JXL "):
        return None
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind in (b"jp2c", b"jxlc"):
            return data[position + 8 :]
        if kind == b"jxlp":
            return data[position + 12 :]
        if length < 8:
            return None
        position += length
    return None
