"""Makers of small ICC profiles (ICC.1:2001-04, version 2.4), as scanners embed them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]
"""(n, 3) values from 0 to 1."""

WIDE = [[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]]
"""Primaries of Adobe RGB (1998) under D50: XYZ by red, green, blue."""

SRGB = [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]]
"""Primaries of sRGB under D50."""

_D50 = (0.9642, 1.0, 0.8249)


def matrix_profile(
    name: str, primaries: list[list[float]] | None = None, gamma: float = 2.2
) -> bytes:
    """A profile of three primaries and one curve."""
    columns = np.array(WIDE if primaries is None else primaries).T
    tags = {b"wtpt": _xyz(_D50), b"desc": _description(name), b"cprt": _text("none")}
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    for letter, column in zip(b"rgb", columns, strict=True):
        tags[bytes([letter]) + b"XYZ"] = _xyz(tuple(column))
        tags[bytes([letter]) + b"TRC"] = curve
    return profile(tags)


def lut_profile(name: str, to_lab: Callable[[Colours], Colours], grid: int = 9) -> bytes:
    """A profile whose table of `grid` steps takes RGB to CIE Lab; `to_lab` gives (n, 3) L, a, b."""
    steps = np.linspace(0, 1, grid)
    colours = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    lab = to_lab(colours)
    encoded = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], -1)
    table = np.clip(np.rint(encoded), 0, 65535).astype(">u2").tobytes()
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    line = struct.pack(">2H", 0, 65535) * 3
    body = b"mft2" + bytes(4) + bytes([3, 3, grid, 0]) + identity
    body += struct.pack(">2H", 2, 2) + line + table + line
    return profile(
        {
            b"A2B0": body,
            b"wtpt": _xyz(_D50),
            b"desc": _description(name),
            b"cprt": _text("none"),
        },
        connection=b"Lab ",
    )


def stained(colours: Colours) -> Colours:
    """A scanner's look as (L, a, b): darker, more contrast, a little bluish, its own gamut."""
    linear = np.clip(colours, 0, 1) ** 1.9 * (0.92, 0.97, 1.0)
    xyz = linear @ np.array(WIDE).T / np.array(_D50)
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def profile(
    tags: dict[bytes, bytes],
    *,
    space: bytes = b"RGB ",
    connection: bytes = b"XYZ ",
    kind: bytes = b"scnr",
) -> bytes:
    """A profile of these tags."""
    place = 128 + 4 + 12 * len(tags)
    entries, bodies = b"", b""
    for name, body in tags.items():
        padded = body + bytes(-len(body) % 4)
        entries += struct.pack(">4s2I", name, place + len(bodies), len(body))
        bodies += padded
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI3i4s44x",
        *(place + len(bodies), b"none", 0x02400000, kind, space, connection),
        *(2024, 1, 1, 0, 0, 0, b"acsp", bytes(4), 0, bytes(4), bytes(4), 0, 0),
        *(round(value * 65536) for value in _D50),
        bytes(4),
    )
    return header + struct.pack(">I", len(tags)) + entries + bodies


def _xyz(value: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(part * 65536) for part in value))


def _text(value: str) -> bytes:
    return b"text" + bytes(4) + value.encode() + b"\0"


def _description(value: str) -> bytes:
    text = value.encode() + b"\0"
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
