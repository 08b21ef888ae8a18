"""Outlines drawn on a slide: points, bounding box, area and validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

import shapely

from pathviewer.slides import user_messages
from pathviewer.slides.errors import RegionError
from pathviewer.slides.geometry import Region
from pathviewer.slides.scale import PixelSize
from storage.names import normalize_name

Shape = Literal["rectangle", "polygon"]
Point = tuple[float, float]

PIXELS = PixelSize(1.0, 1.0)
"""Measures in level-0 pixels."""

MAX_POINTS = 10_000
MAX_NAME_LENGTH = 200
RIGHT_ANGLE_TOLERANCE = 0.1
"""Most level-0 pixels by which a rectangle's corners may be off; drawing programs round to 0.01."""


@dataclass(frozen=True)
class Outline:
    """A closed outline on a slide, stored as drawn."""

    shape: Shape
    """Rectangles may be rotated, if the view was rotated during drawing."""

    points: tuple[Point, ...]
    """Corners in level-0 pixels, in order; the first is not repeated at the end."""

    name: str = ""
    """Name given by the clinician; empty for none."""


def is_shape(value: object) -> TypeGuard[Shape]:
    """Return whether a value names a shape that can be drawn."""
    return value in ("rectangle", "polygon")


def tidy_name(name: str) -> str:
    """Return the name in NFC, without control characters and superfluous blanks."""
    printable = "".join(c if c.isprintable() else " " for c in name)
    return normalize_name(" ".join(printable.split()))


def read_points(value: object) -> tuple[Point, ...]:
    """Return points from decoded JSON; a third coordinate is ignored.

    Raises RegionError if a point is not a pair of numbers or there are too many points.
    """
    if not isinstance(value, list):
        raise RegionError(user_messages.POINTS_MALFORMED)
    if len(value) > MAX_POINTS + 1:
        raise RegionError(user_messages.too_many_points(len(value), MAX_POINTS))
    return tuple(_read_point(index, point) for index, point in enumerate(value))


def _read_point(index: int, value: object) -> Point:
    if isinstance(value, list) and len(value) >= 2:
        x, y = value[0], value[1]
        if _is_coordinate(x) and _is_coordinate(y):
            return float(x), float(y)
    raise RegionError(user_messages.point_malformed(index))


def _is_coordinate(value: object) -> TypeGuard[float]:
    # JSON also allows true, NaN, Infinity and integers beyond all floats
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e12 < value < 1e12


@dataclass(frozen=True)
class ClippedOutline:
    """The part of a closed outline that is on a slide."""

    parts: tuple[tuple[Point, ...], ...]
    """Parts in level-0 pixels; the outline itself if it is entirely inside."""

    inside_area: float
    """Area on the slide, in square level-0 pixels."""

    outline_area: float
    """Area of the outline, in square level-0 pixels."""


def clip_points(points: tuple[Point, ...], width: int, height: int) -> ClippedOutline:
    """Clip an outline to a slide of this level-0 size.

    Raises RegionError if it extends over an edge and encloses no area or crosses itself.
    """
    if all(0 <= x <= width and 0 <= y <= height for x, y in points):
        area_inside = shapely.Polygon(points).area if len(points) >= 3 else 0.0
        return ClippedOutline((points,), area_inside, area_inside)
    _check_count(points)
    polygon = shapely.Polygon(points)
    _check_area(polygon)
    cut = shapely.get_parts(shapely.intersection(polygon, shapely.box(0, 0, width, height)))
    areas = [part for part in cut if part.area > 0]  # drop lines that touch the slide
    rings = tuple(tuple((x, y) for x, y in part.exterior.coords[:-1]) for part in areas)
    return ClippedOutline(rings, sum(part.area for part in areas), polygon.area)


def check_outline(outline: Outline, width: int, height: int) -> None:
    """Raise RegionError unless the outline encloses an area of a slide of this level-0 size."""
    if len(outline.name) > MAX_NAME_LENGTH:
        raise RegionError(user_messages.name_too_long(len(outline.name), MAX_NAME_LENGTH))
    _check_points(outline, width, height)
    _check_area(shapely.Polygon(outline.points))
    if outline.shape == "rectangle" and not is_rectangle(outline.points):
        raise RegionError(user_messages.RECTANGLE_WITHOUT_RIGHT_ANGLES)


def _check_area(polygon: shapely.Polygon) -> None:
    if not polygon.is_valid or polygon.area <= 0:
        reason = shapely.is_valid_reason(polygon)
        raise RegionError(user_messages.outline_invalid(reason))


def _check_count(points: Sequence[Point]) -> None:
    if not 3 <= len(points) <= MAX_POINTS:
        raise RegionError(user_messages.wrong_point_count(MAX_POINTS, len(points)))


def _check_points(outline: Outline, width: int, height: int) -> None:
    _check_count(outline.points)
    for x, y in outline.points:
        if not (0 <= x <= width and 0 <= y <= height):
            raise RegionError(user_messages.point_outside_slide(x, y, width, height))


def is_rectangle(points: Sequence[Point]) -> bool:
    """Return whether four corners in order have right angles, at any rotation.

    A quadrilateral is a rectangle if its diagonals bisect each other and are equally long.
    """
    if len(points) != 4:
        return False
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    misfits = (
        ax + cx - bx - dx,
        ay + cy - by - dy,
        math.hypot(cx - ax, cy - ay) - math.hypot(dx - bx, dy - by),
    )
    return all(abs(misfit) <= RIGHT_ANGLE_TOLERANCE for misfit in misfits)


def bounding_box(points: Sequence[Point]) -> Region:
    """Return the smallest rectangle of whole level-0 pixels that contains all points."""
    left = math.floor(min(x for x, _ in points))
    top = math.floor(min(y for _, y in points))
    right = math.ceil(max(x for x, _ in points))
    bottom = math.ceil(max(y for _, y in points))
    return Region(left, top, right - left, bottom - top)


def side_lengths(outline: Outline, pixel: PixelSize = PIXELS) -> tuple[float, float]:
    """Return unrounded width and height: in microns for a pixel size, otherwise in level-0 pixels.

    For a rectangle, these are its own sides, so that rotation does not enlarge them; for a polygon,
    its horizontal and vertical extent.
    """
    points = outline.points
    if outline.shape == "rectangle":
        a, b, c = points[:3]
        first = pixel.length(b[0] - a[0], b[1] - a[1])
        second = pixel.length(c[0] - b[0], c[1] - b[1])
        return (first, second) if _runs_across(a, b) else (second, first)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (max(xs) - min(xs)) * pixel.x, (max(ys) - min(ys)) * pixel.y


def _runs_across(start: Point, end: Point) -> bool:
    return abs(end[0] - start[0]) >= abs(end[1] - start[1])


def area(outline: Outline, pixel: PixelSize = PIXELS) -> float:
    """Return the area: in square microns for a pixel size, otherwise in square level-0 pixels."""
    return pixel.area(float(shapely.Polygon(outline.points).area))
