"""Seeded random damage to the bytes of a file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

_ABSURD = (
    *(0, 1, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1),
    *(2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
)
"""Implausible values for counts, offsets and sizes."""
_STRUCTURE = 4096
"""Length of a block of structural bytes."""
_LARGEST_BLOCK = 4096
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
"""DICOM's pixel data tag; frame offsets follow it."""


def damage_copy(content: bytes, source: Random) -> bytes:
    """Return a copy with one to three kinds of damage."""
    data = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        kind = source.choices(KINDS, WEIGHTS)[0]
        kind(data, source)
    return bytes(data)


def structure(data: bytes | bytearray) -> list[range]:
    """Return the ranges of structural bytes: headers, TIFF directories, DICOM frame offsets."""
    starts = {0}
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order and len(data) >= 16:
        big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
        starts.add(struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)[0])
    starts.add(max(0, data.find(_PIXEL_DATA)))
    return [range(at, min(at + _STRUCTURE, len(data))) for at in starts if at < len(data)]


def _flip_bits(data: bytearray, source: Random) -> None:
    for _ in range(source.randint(1, 16)):
        if data:
            data[source.randrange(len(data))] ^= 1 << source.randrange(8)


def _flip_structure_bits(data: bytearray, source: Random) -> None:
    for _ in range(source.randint(1, 4)):
        if data:
            data[_random_structure_place(data, source)] ^= 1 << source.randrange(8)


def _write_absurd_value(data: bytearray, source: Random) -> None:
    """Write one to three 16-, 32- or 64-bit values among the structural bytes."""
    for _ in range(source.randint(1, 3)):
        size, at = source.choice((2, 4, 4, 8, 8)), _random_structure_place(data, source)
        value = source.choice((*_ABSURD, len(data), len(data) - 1)) % 256**size
        data[at : at + size] = value.to_bytes(size, source.choice(("little", "little", "big")))


def _truncate(data: bytearray, source: Random) -> None:
    del data[source.randrange(len(data) + 1) :]


def _swap_blocks(data: bytearray, source: Random) -> None:
    size = min(source.randint(1, _LARGEST_BLOCK), len(data) // 2)
    one, other = (source.randrange(len(data) - size + 1) for _ in range(2))
    first, second = data[one : one + size], data[other : other + size]
    data[one : one + size] = second
    data[other : other + size] = first


def _blank_block(data: bytearray, source: Random) -> None:
    size = min(source.randint(1, _LARGEST_BLOCK), len(data))
    at = source.randrange(len(data) - size + 1)
    data[at : at + size] = source.choice((b"\0", b"\xff")) * size


def _random_structure_place(data: bytearray, source: Random) -> int:
    """Return a random place among the structural bytes; 0 in an empty file."""
    places = structure(data)
    return source.choice(source.choice(places)) if places else 0


KINDS: tuple[Callable[[bytearray, Random], None], ...] = (
    _flip_bits,
    _flip_structure_bits,
    _write_absurd_value,
    _truncate,
    _swap_blocks,
    _blank_block,
)
WEIGHTS = (2, 3, 4, 1, 1, 1)
"""Structural damage is most frequent: other damage mostly spoils pixels."""
