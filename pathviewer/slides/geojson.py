"""Conversion of outlines to and from QuPath's GeoJSON.

On slides with scanned bounds, QuPath counts level-0 pixels from the upper left corner of the
bounds, hence the offset. Its objects are GeoJSON features with kind, name and class in the
properties (QuPath's `PathObjectTypeAdapters` and `ROITypeAdapters`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pathviewer.common.archive import ArchiveError, unpack
from pathviewer.common.bounded_json import JsonError, decode_json
from pathviewer.common.table_text import decode_text
from pathviewer.slides import user_messages
from pathviewer.slides.errors import RegionError, SlideError
from pathviewer.slides.outline import (
    MAX_NAME_LENGTH,
    Outline,
    Point,
    area,
    check_outline,
    clip_points,
    is_rectangle,
    read_points,
    side_lengths,
    tidy_name,
)
from pathviewer.slides.scale import PixelSize, SlideScale

MAX_BYTES = 5 * 1024 * 1024
MAX_FEATURES = 2_000
MAX_CONTAINERS = MAX_BYTES // 20
"""Most lists and objects in a file; QuPath writes a point, which is a list, in some 20 bytes."""
SUFFIXES = (".geojson", ".json")
"""Extensions of the file in an archive; QuPath offers to write `slide.zip`."""
MEDIA_TYPE = "application/geo+json"
LEAST_INSIDE = 0.5
"""Least share of a feature's area on the slide; with less, the slide or the origin is wrong."""
AREA_KINDS = ("annotation", "unknown", "PathAnnotationObject")
"""Kinds of QuPath object that a person drew; version 0.2 wrote the last one."""


class GeoJsonError(SlideError):
    """A file that is not GeoJSON or is too large; invalid single features are skipped instead."""

    code = "bad_geojson"


@dataclass(frozen=True)
class Frame:
    """Slide size and origin of a file's coordinates."""

    width: int
    """Width of the slide, in level-0 pixels."""

    height: int
    """Height of the slide, in level-0 pixels."""

    offset: tuple[int, int] = (0, 0)
    """Level-0 position of the file's origin; for QuPath, the corner of the slide's bounds."""


@dataclass(frozen=True)
class SkippedFeature:
    """A feature that was not imported."""

    index: int
    """Position in the file, counted from 0."""

    reason: str
    """A sentence for the clinician."""


@dataclass(frozen=True)
class ClippedFeature:
    """A feature that was clipped at the slide's edge."""

    index: int
    """Position in the file, counted from 0."""

    outside: float
    """Share of its area that was cut off, from 0 to 1."""


@dataclass(frozen=True)
class GeoJsonImport:
    """Result of reading a file."""

    outlines: tuple[Outline, ...]
    """In file order, in the slide's level-0 pixels."""

    skipped: tuple[SkippedFeature, ...]
    """Features without any part in `outlines`."""

    clipped: tuple[ClippedFeature, ...] = ()
    """Features that are only partly in `outlines`."""


def feature_collection(
    outlines: Iterable[tuple[str, Outline]],
    offset: tuple[int, int] = (0, 0),
    scale: SlideScale | None = None,
) -> dict[str, Any]:
    """Return outlines with their UUIDs as a GeoJSON document, counted from `offset`.

    With a known scale, each outline has its measurements under QuPath's names. The member `scale`
    gives the scale used and its source; it names no person.
    """
    pixel = None if scale is None else scale.size
    features = [_feature(name, outline, offset, pixel) for name, outline in outlines]
    document = {"type": "FeatureCollection", "features": features}
    return document if scale is None else document | {"scale": scale.provenance()}


def _feature(
    identifier: str, outline: Outline, offset: tuple[int, int], pixel: PixelSize | None
) -> dict[str, Any]:
    ring = [[x - offset[0], y - offset[1]] for x, y in outline.points]
    properties = {"objectType": "annotation", "name": outline.name, "isLocked": False}
    return {
        "type": "Feature",
        "id": identifier,
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "properties": properties | _measurements(outline, pixel),
    }


def _measurements(outline: Outline, pixel: PixelSize | None) -> dict[str, Any]:
    if pixel is None:
        return {}
    width, height = side_lengths(outline, pixel)
    measurements = {"Area µm^2": area(outline, pixel), "Width µm": width, "Height µm": height}
    return {"measurements": measurements}


def read_outlines(document: bytes, frame: Frame) -> GeoJsonImport:
    """Read the outlines of one feature, a feature collection or a list of features.

    QuPath writes the last two. The document may be a zip or gzip archive of one such file. Each
    part of a MultiPolygon becomes an outline; a feature with an invalid part is skipped as a whole.
    Outlines are clipped at the slide's edge. Four corners with right angles make a rectangle.
    Raises GeoJsonError if the document as a whole cannot be used.
    """
    outlines: list[Outline] = []
    skipped: list[SkippedFeature] = []
    clipped: list[ClippedFeature] = []
    for index, feature in enumerate(_features(_decoded(document))):
        try:
            parts, outside = _on_slide([*_rings(feature)], _name(feature), frame)
        except RegionError as error:
            skipped.append(SkippedFeature(index, str(error)))
            continue
        outlines += parts
        if outside:
            clipped.append(ClippedFeature(index, outside))
    return GeoJsonImport(tuple(outlines), tuple(skipped), tuple(clipped))


def _decoded(document: bytes) -> object:
    if len(document) > MAX_BYTES:
        raise GeoJsonError(user_messages.file_too_large(MAX_BYTES))
    try:
        text = decode_text(unpack(document, SUFFIXES, MAX_BYTES))
        _, decoded = decode_json(
            text.encode(),
            MAX_CONTAINERS,
            source="file",
            parse_int=_number,
            parse_float=_number,
            parse_constant=_number,  # QuPath writes NaN for missing measurements
        )
    except ArchiveError as error:
        raise GeoJsonError(str(error)) from None
    except UnicodeError:
        raise GeoJsonError(user_messages.FILE_NOT_UTF8) from None
    except JsonError as error:
        raise GeoJsonError(user_messages.not_geojson(str(error))) from None
    return decoded


def _number(text: str) -> float:
    """Return a float: exact up to 53 bits, infinite beyond all floats, which no coordinate is."""
    return float(text)


def _features(document: object) -> list[object]:
    features = [document] if _member(document, "type") == "Feature" else document
    if isinstance(features, dict):
        features = features.get("features")
    if not isinstance(features, list):
        raise GeoJsonError(user_messages.NO_FEATURES)
    if len(features) > MAX_FEATURES:
        raise GeoJsonError(user_messages.too_many_features(len(features), MAX_FEATURES))
    return features


def _member(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _rings(feature: object) -> Iterator[object]:
    """Yield outer rings of the feature's polygons, as decoded from JSON."""
    kind = _member(_member(feature, "properties"), "objectType") or "annotation"
    if kind not in AREA_KINDS:
        raise RegionError(user_messages.kind_not_imported(kind))
    geometry = _member(feature, "geometry")
    shape, coordinates = _member(geometry, "type"), _member(geometry, "coordinates")
    if shape not in ("Polygon", "MultiPolygon") or not isinstance(coordinates, list):
        raise RegionError(user_messages.geometry_without_area(shape))
    for polygon in [coordinates] if shape == "Polygon" else coordinates:
        if not isinstance(polygon, list) or not polygon:
            raise RegionError(user_messages.POLYGON_WITHOUT_POINTS)
        if len(polygon) > 1:
            raise RegionError(user_messages.POLYGON_WITH_HOLES)
        yield polygon[0]


def _on_slide(rings: Sequence[object], name: str, frame: Frame) -> tuple[list[Outline], float]:
    """Return a feature's outlines on the slide, and the share of its area outside.

    Raises RegionError.
    """
    outlines, inside_area, total_area = [], 0.0, 0.0
    for ring in rings:
        clip = clip_points(_points(ring, frame.offset), frame.width, frame.height)
        inside_area, total_area = inside_area + clip.inside_area, total_area + clip.outline_area
        for points in clip.parts:
            outline = Outline("rectangle" if is_rectangle(points) else "polygon", points, name)
            check_outline(outline, frame.width, frame.height)
            outlines.append(outline)
    if total_area and inside_area < LEAST_INSIDE * total_area:
        where = (
            user_messages.ALL_OF_FEATURE
            if not inside_area
            else user_messages.part_of_feature(1 - inside_area / total_area)
        )
        raise RegionError(user_messages.feature_outside_slide(where))
    return outlines, 1 - inside_area / total_area if inside_area < total_area else 0.0


def _points(ring: object, offset: tuple[int, int]) -> tuple[Point, ...]:
    points = read_points(ring)
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    return tuple(_moved(point, offset) for point in points)


def _moved(point: Point, offset: tuple[int, int]) -> Point:
    return point[0] + offset[0], point[1] + offset[1]


def _name(feature: object) -> str:
    properties = _member(feature, "properties")
    name = _member(properties, "name") or _class_name(_member(properties, "classification"))
    return tidy_name(name)[:MAX_NAME_LENGTH].rstrip() if isinstance(name, str) else ""


def _class_name(classification: object) -> object:
    names = _member(classification, "names")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return ": ".join(names)
    return _member(classification, "name")
