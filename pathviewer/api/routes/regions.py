"""Routes of each account's regions, with GeoJSON exchange with QuPath."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from pathviewer.api import user_messages
from pathviewer.api.json_route import (
    Connection,
    Drawer,
    Viewer,
    json_router,
    raw_body,
    render_in_thread,
)
from pathviewer.api.request_body import read_body
from pathviewer.api.route_sessions import RouteSessions
from pathviewer.api.schemas.regions import RegionChange, RegionImport, RegionOut, RegionRequest
from pathviewer.common.work_queue import Lane, while_connected
from pathviewer.slides import geojson
from pathviewer.slides.errors import TooManyRegions
from pathviewer.slides.outline import (
    Outline,
    area,
    bounding_box,
    check_outline,
    side_lengths,
    tidy_name,
)
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

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pathviewer.slides.library import LibraryEntry, SlideLibrary
    from storage.database import Database

BoundsOffset = Annotated[int, Query(ge=0, le=1)]
"""1 counts a file's coordinates from the slide's bounds as QuPath does, 0 from its corner."""


class GeoJsonResponse(JSONResponse):
    """A GeoJSON document."""

    media_type = geojson.MEDIA_TYPE


class RegionRoutes:
    """Handlers; database work runs in threads."""

    def __init__(self, library: SlideLibrary, database: Database, limit: int) -> None:
        """`limit` is the maximum number of an account's regions on all slides together."""
        self._library = library
        self._sessions = RouteSessions(database)
        self._limit = limit
        self._imports = Lane(1)  # one at a time: decoding a file takes a core

    def router(self) -> APIRouter:
        """Return the routes to list, save, change, delete, export and import regions.

        Writing needs `draw_regions`.
        """
        router = json_router()
        list_path = "/api/slides/{slide_id}/regions"
        path, file_path = list_path + "/{region_id}", list_path + ".geojson"
        router.get(list_path, response_model=list[RegionOut])(self.regions)
        router.post(list_path, status_code=201, response_model=RegionOut)(self.add)
        router.put(path, response_model=RegionOut)(self.change)
        router.delete(path, status_code=204, response_class=Response)(self.delete)
        router.get(file_path, response_class=GeoJsonResponse)(self.export_geojson)
        file = raw_body(geojson.MEDIA_TYPE)
        router.post(file_path, response_model=RegionImport, openapi_extra=file)(
            render_in_thread(self.import_geojson)
        )
        return router

    async def regions(self, caller: Viewer, slide_id: str) -> list[dict[str, Any]]:
        """List the account's regions on the slide, oldest first."""
        entry, account = self._library.entry(slide_id), caller.account_id
        records = await self._sessions.read(
            lambda session: list_regions(session, entry.id, account), caller.bound_key
        )
        return [region_json(record, entry) for record in records]

    async def add(self, caller: Drawer, slide_id: str, region: RegionRequest) -> dict[str, Any]:
        """Save a region."""
        entry, account = self._library.entry(slide_id), caller.account_id
        outline = Outline(region.shape, region.points, tidy_name(region.name))
        check_outline(outline, entry.width, entry.height)
        (record,) = await self._sessions.write(
            lambda session: self._add(session, entry.id, account, (outline,)), account
        )
        return region_json(record, entry)

    async def change(
        self, caller: Drawer, slide_id: str, region_id: str, change: RegionChange
    ) -> dict[str, Any]:
        """Change a region; what is left out stays."""
        entry, account = self._library.entry(slide_id), caller.account_id

        def work(session: Session) -> RegionRecord:
            before = find_region(session, entry.id, account, region_id)
            outline = changed_outline(region_outline(before), change)
            check_outline(outline, entry.width, entry.height)
            after = build_region(outline, outline.name or before.name)
            return update_region(session, entry.id, account, region_id, after)

        return region_json(await self._sessions.write(work, account), entry)

    async def delete(self, caller: Drawer, slide_id: str, region_id: str) -> None:
        """Delete a region."""
        entry, account = self._library.entry(slide_id), caller.account_id
        await self._sessions.write(
            lambda session: delete_region(session, entry.id, account, region_id), account
        )

    async def export_geojson(
        self, caller: Viewer, slide_id: str, bounds_offset: BoundsOffset = 0
    ) -> GeoJsonResponse:
        """Return the account's regions as a file for QuPath."""
        entry, account = self._library.entry(slide_id), caller.account_id
        records = await self._sessions.read(
            lambda session: list_regions(session, entry.id, account), caller.bound_key
        )
        outlines = [(record.id, region_outline(record)) for record in records]
        origin = file_origin(entry, bounds_offset)
        document = geojson.feature_collection(outlines, origin, entry.scale)
        file_name = quote(f"{entry.name}.geojson", safe="")
        disposition = f"attachment; filename*=UTF-8''{file_name}"
        return GeoJsonResponse(document, headers={"Content-Disposition": disposition})

    async def import_geojson(
        self,
        request: Request,
        caller: Drawer,
        client: Connection,
        slide_id: str,
        bounds_offset: BoundsOffset = 0,
    ) -> dict[str, Any]:
        """Import a file, plain or compressed: all regions or none; broken features are skipped."""
        entry, account = self._library.entry(slide_id), caller.account_id
        frame = geojson.Frame(entry.width, entry.height, file_origin(entry, bounds_offset))
        document = await read_body(request, geojson.MAX_BYTES)
        parsed = await while_connected(
            client,
            lambda: self._imports.run(lambda: geojson.read_outlines(document, frame), account),
        )
        records = await self._sessions.write(
            lambda session: self._add(session, entry.id, account, parsed.outlines), account
        )
        return {
            "imported": len(records),
            "skipped": [asdict(skip) for skip in parsed.skipped],
            "clipped": [asdict(clip) for clip in parsed.clipped],
            "regions": [region_json(record, entry) for record in records],
        }

    def _add(
        self, session: Session, slide_id: str, account: str, outlines: Collection[Outline]
    ) -> Collection[RegionRecord]:
        """Store all outlines or none; unnamed ones are numbered. Raises TooManyRegions."""
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


def changed_outline(before: Outline, change: RegionChange) -> Outline:
    """Return the outline, level-0 pixels; what the change leaves out stays."""
    return Outline(
        change.shape or before.shape,
        before.points if change.points is None else change.points,
        before.name if change.name is None else tidy_name(change.name),
    )


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


def file_origin(entry: LibraryEntry, bounds_offset: int) -> tuple[int, int]:
    """Return the origin of a file's coordinates, level-0 pixels."""
    bounds = entry.bounds if bounds_offset else None
    return (bounds.x, bounds.y) if bounds else (0, 0)
