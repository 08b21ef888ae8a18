"""Routes of each account's regions, with GeoJSON exchange with QuPath."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.request_body import BodyError, read_body, read_json_object
from pathviewer.auth.identity import require
from pathviewer.auth.roles import Action
from pathviewer.common.work_queue import WRITES, Client, Lane, while_connected
from pathviewer.slides import geojson
from pathviewer.slides.errors import RegionError, TooManyRegions
from pathviewer.slides.library import LibraryEntry, SlideLibrary
from pathviewer.slides.outline import (
    Outline,
    area,
    bounding_box,
    check_outline,
    is_shape,
    read_points,
    side_lengths,
    tidy_name,
)
from storage.database import Database
from storage.slides.regions import (
    NewRegion,
    RegionRecord,
    add_region,
    count_regions,
    delete_region,
    find_region,
    list_regions,
    update_region,
)


def region_routes(library: SlideLibrary, database: Database, limit: int) -> list[Route]:
    """Return the routes to list, add, change, delete, export and import regions.

    Writing needs `draw_regions`. `limit` is the maximum number of an account's regions on all
    slides together.
    """
    routes = RegionRoutes(library, database, limit)
    list_path = "/api/slides/{slide_id}/regions"
    path = list_path + "/{region_id}"
    return [
        Route(list_path, routes.show, methods=["GET"]),
        Route(list_path, routes.add, methods=["POST"]),
        Route(path, routes.change, methods=["PUT"]),
        Route(path, routes.delete, methods=["DELETE"]),
        Route(list_path + ".geojson", routes.export_geojson, methods=["GET"]),
        Route(list_path + ".geojson", routes.import_geojson, methods=["POST"]),
    ]


class RegionRoutes:
    """Handlers; database work runs in threads."""

    def __init__(self, library: SlideLibrary, database: Database, limit: int) -> None:
        self._library = library
        self._database = database
        self._limit = limit
        self._imports = Lane(1)  # one at a time: decoding a file takes a core

    async def show(self, request: Request) -> Response:
        """`GET`: the account's regions on the slide, oldest first."""
        account = require(request.scope, Action.view_slides).account_id
        entry = self._entry(request)
        records = await run_in_threadpool(self._list, entry.id, account)
        return JSONResponse([region_json(record, entry) for record in records])

    async def add(self, request: Request) -> Response:
        """`POST {name?, shape, points}`: 201 with the region."""
        account = require(request.scope, Action.draw_regions).account_id
        entry = self._entry(request)
        outline = read_outline(await read_json_object(request), None)
        check_outline(outline, entry.width, entry.height)
        (record,) = await WRITES.run(lambda: self._add(entry.id, account, (outline,)), account)
        return JSONResponse(region_json(record, entry), 201)

    async def change(self, request: Request) -> Response:
        """`PUT` the changed fields: the updated region."""
        account = require(request.scope, Action.draw_regions).account_id
        entry, region_id = self._entry(request), request.path_params["region_id"]
        body = await read_json_object(request)
        record = await WRITES.run(lambda: self._change(entry, account, region_id, body), account)
        return JSONResponse(region_json(record, entry))

    async def delete(self, request: Request) -> Response:
        """`DELETE`: 204."""
        account = require(request.scope, Action.draw_regions).account_id
        entry, region_id = self._entry(request), request.path_params["region_id"]
        await WRITES.run(lambda: self._delete(entry.id, account, region_id), account)
        return Response(status_code=204)

    async def export_geojson(self, request: Request) -> Response:
        """`GET`: the account's regions as a file for QuPath."""
        account = require(request.scope, Action.view_slides).account_id
        entry = self._entry(request)
        records = await run_in_threadpool(self._list, entry.id, account)
        outlines = [(record.id, region_outline(record)) for record in records]
        document = geojson.feature_collection(outlines, bounds_offset(request, entry), entry.scale)
        file_name = quote(f"{entry.name}.geojson", safe="")
        disposition = f"attachment; filename*=UTF-8''{file_name}"
        headers = {"Content-Disposition": disposition}
        return JSONResponse(document, headers=headers, media_type=geojson.MEDIA_TYPE)

    async def import_geojson(self, request: Request) -> Response:
        """`POST` a file, plain or compressed: imported regions, clipped ones, skipped ones with
        reasons."""
        account = require(request.scope, Action.draw_regions).account_id
        entry = self._entry(request)
        frame = geojson.Frame(entry.width, entry.height, bounds_offset(request, entry))
        document = await read_body(request, geojson.MAX_BYTES)
        parsed = await while_connected(
            Client(request.receive),
            lambda: self._imports.run(lambda: geojson.read_outlines(document, frame), account),
        )
        records = await WRITES.run(lambda: self._add(entry.id, account, parsed.outlines), account)
        skipped = [{"index": skip.index, "reason": skip.reason} for skip in parsed.skipped]
        clipped = [asdict(clip) for clip in parsed.clipped]
        regions = [region_json(record, entry) for record in records]
        counts = {"imported": len(regions), "skipped": skipped, "clipped": clipped}
        return JSONResponse(counts | {"regions": regions})

    def _entry(self, request: Request) -> LibraryEntry:
        return self._library.entry(request.path_params["slide_id"])

    def _list(self, slide_id: str, account: str) -> Collection[RegionRecord]:
        with self._database.read_only() as session:
            return list_regions(session, slide_id, account)

    def _add(
        self, slide_id: str, account: str, outlines: Collection[Outline]
    ) -> Collection[RegionRecord]:
        """Store all outlines or none; unnamed ones are numbered. Raises TooManyRegions."""
        with self._database.session() as session:
            self._check_room(count_regions(session, account), len(outlines))
            used_names = {record.name for record in list_regions(session, slide_id, account)}
            records = []
            for outline in outlines:
                name = outline.name or find_free_name(used_names)
                used_names.add(name)
                records.append(add_region(session, slide_id, account, build_region(outline, name)))
        return records

    def _check_room(self, count: int, more: int) -> None:
        if count + more > self._limit:
            raise TooManyRegions(user_messages.too_many_regions(count, self._limit))

    def _change(
        self, entry: LibraryEntry, account: str, region_id: str, body: Mapping[str, Any]
    ) -> RegionRecord:
        with self._database.session() as session:
            before = find_region(session, entry.id, account, region_id)
            outline = read_outline(body, region_outline(before))
            check_outline(outline, entry.width, entry.height)
            after = build_region(outline, outline.name or before.name)
            return update_region(session, entry.id, account, region_id, after)

    def _delete(self, slide_id: str, account: str, region_id: str) -> None:
        with self._database.session() as session:
            delete_region(session, slide_id, account, region_id)


def region_json(record: RegionRecord, entry: LibraryEntry) -> dict[str, Any]:
    """Return a region as JSON: level-0 pixels, plus µm and mm² (None if the scale is unknown)."""
    outline, pixel = region_outline(record), entry.pixel_size
    width, height = (None, None) if pixel is None else side_lengths(outline, pixel)
    return {
        "id": record.id,
        "name": record.name,
        "shape": record.shape,
        "points": [list(point) for point in record.points],
        "box": {"x": record.x, "y": record.y, "width": record.width, "height": record.height},
        "width_um": width,
        "height_um": height,
        "area_mm2": None if pixel is None else area(outline, pixel) / 1e6,
        "mpp_by_hand": entry.mpp_by_hand,
    }


def read_outline(body: Mapping[str, Any], before: Outline | None) -> Outline:
    """Parse a request's outline, level-0 pixels; missing fields keep their value in `before`.

    Raises RegionError.
    """
    name = body.get("name", before.name if before else "")
    if not isinstance(name, str):
        raise RegionError(user_messages.REGION_NAME_NOT_TEXT)
    name = tidy_name(name)
    if before is not None and not {"shape", "points"} & body.keys():
        return Outline(before.shape, before.points, name)
    shape = body.get("shape")
    if not is_shape(shape):
        raise RegionError(user_messages.shape_unknown(shape))
    return Outline(shape, read_points(body.get("points")), name)


def region_outline(record: RegionRecord) -> Outline:
    """Return the outline as drawn."""
    return Outline(record.shape, tuple(record.points), record.name)


def build_region(outline: Outline, name: str) -> NewRegion:
    """Return the stored values of an outline."""
    box = bounding_box(outline.points)
    return NewRegion(name, outline.shape, outline.points, box.x, box.y, box.width, box.height)


def find_free_name(used_names: Collection[str]) -> str:
    """Return a name that no region has yet."""
    number = len(used_names) + 1
    while f"Region {number}" in used_names:
        number += 1
    return f"Region {number}"


def bounds_offset(request: Request, entry: LibraryEntry) -> tuple[int, int]:
    """Return the origin of a file's coordinates, level-0 pixels.

    The origin is the corner of the slide's bounds if `bounds_offset=1`, else (0, 0). Raises
    BodyError for other values than 0 and 1.
    """
    wanted = request.query_params.get("bounds_offset", "0")
    if wanted not in ("0", "1"):
        raise BodyError(user_messages.BOUNDS_OFFSET_INVALID)
    bounds = entry.bounds if wanted == "1" else None
    return (bounds.x, bounds.y) if bounds else (0, 0)
