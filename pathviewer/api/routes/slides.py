"""Routes of slides: list, facts, descriptions and pictures; tiles have their own route."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from pathviewer.api import user_messages
from pathviewer.api.json_route import (
    Connection,
    Describer,
    JpegResponse,
    PngResponse,
    Uploader,
    Viewer,
    json_router,
    render_in_thread,
)
from pathviewer.api.schemas.slides import (
    ColourTableOut,
    DescriptionRequest,
    OpenedSlide,
    RegionQuery,
    RejectedFileOut,
    SlideOut,
)
from pathviewer.common.work_queue import WRITES, WorkKind, while_connected
from pathviewer.slides.errors import ImageNotFound, RegionError
from pathviewer.slides.geometry import Level
from pathviewer.slides.scale_request import audit_detail
from storage import audit
from storage.slides.scales import enter_scale
from storage.slides.store import rename_slide

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.auth.slide_access_log import SlideAccessLog
    from pathviewer.common.work_queue import Client, Work
    from pathviewer.settings import Settings
    from pathviewer.slides.colour_table import ColourTable
    from pathviewer.slides.library import LibraryEntry, SlideLibrary
    from pathviewer.slides.served_slide import ServedSlide
    from pathviewer.slides.slide_pool import SlidePool
    from storage.database import Database
    from storage.slides.scales import NewScale

Result = TypeVar("Result")

LEAST_THUMBNAIL = 16
MOST_THUMBNAIL = 2048
"""Bounds of a thumbnail's longer side, px."""
LARGEST_LIST_THUMBNAIL = 256
"""Longer side up to which a thumbnail counts as part of the list; a larger one is logged as a view
of the slide."""
PICTURE_HEADERS = {"Cache-Control": "private, max-age=3600", "Vary": "Cookie"}
REGION_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
"""Not cached: a region's picture depends on the slide's scale, which users may correct."""

ThumbnailSize = Annotated[int, Query(ge=LEAST_THUMBNAIL, le=MOST_THUMBNAIL)]
RegionPicture = Annotated[RegionQuery, Query()]


async def _allow_caching(response: Response) -> None:
    response.headers.update(PICTURE_HEADERS)


class SlideRoutes:
    """Handlers, also called by the Gradio endpoint; all work on pixels runs in readers."""

    def __init__(
        self,
        library: SlideLibrary,
        pool: SlidePool,
        database: Database,
        settings: Settings,
        openings: SlideAccessLog,
        work: Work,
    ) -> None:
        self._library = library
        self._pool = pool
        self._database = database
        self._settings = settings
        self._openings = openings
        self._work = work

    def router(self) -> APIRouter:
        """Return the routes of slides, except tiles."""
        router = json_router()
        path = "/api/slides/{slide_id}"
        router.get("/api/slides", response_model=list[SlideOut])(render_in_thread(self.slides))
        router.get("/api/slides/rejected", response_model=list[RejectedFileOut])(self.list_rejected)
        router.get(path, response_model=OpenedSlide)(self.slide)
        router.patch(path, response_model=SlideOut)(self.describe)
        router.get(f"{path}/thumbnail", response_class=JpegResponse)(self.thumbnail)
        router.get(f"{path}/region", response_class=PngResponse)(self.region)
        caching = [Depends(_allow_caching)]
        router.get(f"{path}/colours", response_model=ColourTableOut, dependencies=caching)(
            self.colours
        )
        associated = f"{path}/associated/{{name}}"
        router.get(associated, response_class=JpegResponse)(self.associated_image)
        return router

    async def slides(self, caller: Viewer) -> list[dict[str, Any]]:  # noqa: ARG002  checks them
        """List slides that can be opened."""
        return [_summary(entry) for entry in self._library.slides()]

    async def list_rejected(self, caller: Uploader) -> list[dict[str, Any]]:  # noqa: ARG002
        """List files that cannot be shown."""
        return [asdict(file) for file in self._library.list_rejected()]

    async def slide(self, caller: Viewer, client: Connection, slide_id: str) -> dict[str, Any]:
        """Open the slide, with an audit entry."""
        entry, owner = self._library.entry(slide_id), caller.bound_key
        slide = await while_connected(client, lambda: self._pool.open(entry.id, owner))
        return await WRITES.run(lambda: self._open_summary(entry, slide, caller), owner)

    async def describe(
        self, caller: Describer, slide_id: str, change: DescriptionRequest
    ) -> dict[str, Any]:
        """Change the name or the scale; an mpp of null withdraws the entered scale."""
        entry = self._library.entry(slide_id)
        scale = change.new_scale(entry) if change.changes_scale else None
        await WRITES.run(
            lambda: self._save_change(entry, change.alias, scale, caller), caller.account_id
        )
        return _summary(self._library.entry(entry.id))

    async def thumbnail(
        self, caller: Viewer, client: Connection, slide_id: str, size: ThumbnailSize = 512
    ) -> JpegResponse:
        """Return a JPEG whose longer side has at most `size` pixels."""
        entry = self._library.entry(slide_id)
        owner, aspect = caller.bound_key, entry.scale.pixel_aspect
        jpeg = await self._picture(
            client, caller, entry, lambda slide: slide.thumbnail(size, owner, aspect)
        )
        if size > LARGEST_LIST_THUMBNAIL:
            await self._openings.log_view(caller, entry.id)
        return JpegResponse(jpeg, headers=PICTURE_HEADERS)

    async def region(
        self, caller: Viewer, client: Connection, slide_id: str, query: RegionPicture
    ) -> PngResponse:
        """Return a PNG of a level-0 box.

        The header X-Mpp gives its microns per pixel if the scale is known. Colours are corrected
        to sRGB if the slide has a profile, except with `colours=raw`.
        """
        entry, owner = self._library.entry(slide_id), caller.bound_key
        region, aspect = query.region, entry.scale.pixel_aspect
        pixels, corrected = self._picture_pixels(query), query.colours == "corrected"
        picture = await self._picture(
            client,
            caller,
            entry,
            lambda slide: slide.region_png(region, pixels, owner, aspect, corrected=corrected),
        )
        await WRITES.run(lambda: self._audit_view(entry, caller, asdict(region)), owner)
        answer = PngResponse(picture.png, headers=REGION_HEADERS)
        if entry.pixel_size is not None:
            sides = (region.width, region.height), (picture.width, picture.height)
            answer.headers["X-Mpp"] = f"{entry.pixel_size.picture_mpp(*sides):.6g}"
        return answer

    async def colours(self, caller: Viewer, client: Connection, slide_id: str) -> dict[str, Any]:
        """Return the table with which pages correct tiles, which have raw colours."""
        entry, owner = self._library.entry(slide_id), caller.bound_key
        table = await self._picture(client, caller, entry, lambda slide: slide.colour_table(owner))
        if table is None:
            raise ImageNotFound(user_messages.no_colour_profile(entry.name))
        return _table_json(table)

    async def associated_image(
        self, caller: Viewer, client: Connection, slide_id: str, name: str
    ) -> JpegResponse:
        """Return a JPEG, if the settings allow images with patient data."""
        entry, owner = self._library.entry(slide_id), caller.bound_key
        if not self._settings.show_associated_images:
            raise ImageNotFound(user_messages.ASSOCIATED_IMAGES_OFF)
        jpeg = await self._picture(
            client, caller, entry, lambda slide: slide.associated_jpeg(name, owner)
        )
        await WRITES.run(lambda: self._audit_view(entry, caller, {"image": name}), owner)
        return JpegResponse(jpeg, headers=PICTURE_HEADERS)

    async def _picture(
        self,
        client: Client,
        caller: Identity,
        entry: LibraryEntry,
        make: Callable[[ServedSlide], Awaitable[Result]],
    ) -> Result:
        """Return the result of `make`. Raises ClientGone on a disconnect, TooBusy at the limit."""

        async def work() -> Result:
            return await make(await self._pool.open(entry.id, caller.bound_key))

        with self._work.accounts.slot(caller.bound_key, WorkKind.picture):
            return await while_connected(client, work)

    def _open_summary(
        self, entry: LibraryEntry, slide: ServedSlide, caller: Identity
    ) -> dict[str, Any]:
        self._openings.log_opening(caller, entry.id)
        images = slide.associated_images if self._settings.show_associated_images else ()
        return _summary(entry) | {
            "levels": [_level_json(level) for level in slide.levels],
            "associated_images": list(images),
        }

    def _audit_view(self, entry: LibraryEntry, caller: Identity, detail: dict[str, Any]) -> None:
        if not self._settings.public_demo:
            with self._database.session() as session:
                audit.add_entry(session, caller.account_id, "view_slide", entry.id, detail)

    def _save_change(
        self, entry: LibraryEntry, alias: str | None, scale: NewScale | None, caller: Identity
    ) -> None:
        detail: dict[str, Any] = {}
        with self._database.session() as session:
            if alias is not None:
                rename_slide(session, entry.id, alias)
                detail["alias"] = alias
            if scale is not None:
                enter_scale(session, entry.id, caller.account_id, scale)
                detail |= audit_detail(scale)
            audit.add_entry(session, caller.account_id, "describe_slide", entry.id, detail)
        self._library.refresh()

    def _picture_pixels(self, query: RegionQuery) -> int:
        limit = self._settings.region_pixel_limit
        pixels = query.max_pixels or query.width * query.height
        if pixels > limit:
            raise RegionError(user_messages.picture_size_invalid(limit, pixels))
        return max(1, pixels)


def _summary(entry: LibraryEntry) -> dict[str, Any]:
    """Return a slide as JSON; `mpp` is in microns per level-0 pixel."""
    return {
        "id": entry.id,
        "name": entry.name,
        "alias": entry.alias,
        "width": entry.width,
        "height": entry.height,
        "mpp": entry.mpp,
        "mpp_by_hand": entry.mpp_by_hand,
        "scale": entry.scale.facts(),
        "pixel_aspect": entry.scale.pixel_aspect,
        "objective_power": entry.objective_power,
        "objective_power_problem": entry.facts.claim.power_problem,
        "vendor": entry.vendor,
        "level_count": entry.level_count,
        "pixel_note": entry.pixel_note,
        "identity": asdict(entry.identity),
        "bounds": None if entry.bounds is None else asdict(entry.bounds),
        "background": "#{:02x}{:02x}{:02x}".format(*entry.background),
        "colour_profile": _profile_json(entry),
    }


def _profile_json(entry: LibraryEntry) -> dict[str, Any] | None:
    profile = entry.colour_profile
    return None if profile is None else asdict(profile) | {"sentence": profile.sentence}


def _table_json(table: ColourTable) -> dict[str, Any]:
    """Return a colour table as JSON; numbers are base64 of little-endian 32-bit floats."""
    arrays = {"curves": table.curves, "nodes": table.nodes}
    packed = {
        name: base64.b64encode(array.astype("<f4").tobytes()).decode()
        for name, array in arrays.items()
    }
    return packed | {"size": len(table.nodes), "light": table.light}


def _level_json(level: Level) -> dict[str, Any]:
    """Return a level as JSON; level-0 (x, y) is at (x / downsample_x, y / downsample_y) in it."""
    return asdict(level) | {
        "downsample": level.downsample.mean,
        "downsample_x": level.downsample.x,
        "downsample_y": level.downsample.y,
    }
