"""Routes of slides: list, facts, descriptions and pictures; tiles have their own route."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api import user_messages
from pathviewer.api.request_body import parse_whole_number, read_json_object
from pathviewer.auth.identity import Identity, require
from pathviewer.auth.roles import Action
from pathviewer.auth.slide_access_log import SlideAccessLog
from pathviewer.common.errors import UserError
from pathviewer.common.work_queue import WRITES, Client, Work, WorkKind, while_connected
from pathviewer.settings import Settings
from pathviewer.slides.colour_table import ColourTable
from pathviewer.slides.errors import ImageNotFound, RegionError
from pathviewer.slides.geometry import Level, Region
from pathviewer.slides.library import LibraryEntry, SlideLibrary
from pathviewer.slides.outline import tidy_name
from pathviewer.slides.scale_request import FIELDS, audit_detail, new_scale
from pathviewer.slides.served_slide import ServedSlide
from pathviewer.slides.slide_pool import SlidePool
from storage import audit
from storage.database import Database
from storage.slides.scales import NewScale, enter_scale
from storage.slides.store import rename_slide

Result = TypeVar("Result")

_PICTURE_HEADERS = {"Cache-Control": "private, max-age=3600", "Vary": "Cookie"}
_REGION_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Cookie"}
"""Not cached: a region's picture depends on the slide's scale, which users may correct."""
_THUMBNAIL_SIZES = range(16, 2049)
_LARGEST_LIST_THUMBNAIL = 256
"""Longer side up to which a thumbnail counts as part of the list; a larger one is logged as a view
of the slide."""
_LONGEST_ALIAS = 200
_MOST_DIGITS = 12


class DescriptionError(UserError):
    """A slide's description is refused."""

    code = "bad_description"


def slide_routes(
    library: SlideLibrary,
    pool: SlidePool,
    database: Database,
    settings: Settings,
    openings: SlideAccessLog,
    work: Work,
) -> list[Route]:
    """Return the routes of slides, except tiles."""
    routes = SlideRoutes(library, pool, database, settings, openings, work)
    path = "/api/slides/{slide_id}"
    return [
        Route("/api/slides", routes.slides, methods=["GET"]),
        Route("/api/slides/rejected", routes.list_rejected, methods=["GET"]),
        Route(path, routes.slide, methods=["GET"]),
        Route(path, routes.describe, methods=["PATCH"]),
        Route(f"{path}/thumbnail", routes.thumbnail, methods=["GET"]),
        Route(f"{path}/region", routes.region, methods=["GET"]),
        Route(f"{path}/colours", routes.colours, methods=["GET"]),
        Route(f"{path}/associated/{{name}}", routes.associated_image, methods=["GET"]),
    ]


class SlideRoutes:
    """Handlers; all work on pixels runs in readers."""

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

    async def slides(self, request: Request) -> Response:
        """`GET /api/slides`."""
        require(request.scope, Action.view_slides)
        return JSONResponse([_summary(entry) for entry in self._library.slides()])

    async def list_rejected(self, request: Request) -> Response:
        """`GET /api/slides/rejected`: files that cannot be shown; needs `upload_slides`."""
        require(request.scope, Action.upload_slides)
        return JSONResponse([asdict(file) for file in self._library.list_rejected()])

    async def slide(self, request: Request) -> Response:
        """`GET /api/slides/{id}`: open the slide, with an audit entry."""
        identity = require(request.scope, Action.view_slides)
        entry = self._library.entry(request.path_params["slide_id"])
        slide = await while_connected(
            Client(request.receive), lambda: self._pool.open(entry.id, identity.bound_key)
        )
        owner = identity.bound_key
        return JSONResponse(
            await WRITES.run(lambda: self._open_summary(entry, slide, identity), owner)
        )

    async def describe(self, request: Request) -> Response:
        """`PATCH {alias?, mpp? | known_length?}`: an mpp of null withdraws the entered scale."""
        identity = require(request.scope, Action.describe_slides)
        entry = self._library.entry(request.path_params["slide_id"])
        change = _read_change(await read_json_object(request), entry)
        await WRITES.run(lambda: self._save_change(entry, change, identity), identity.account_id)
        return JSONResponse(_summary(self._library.entry(entry.id)))

    async def thumbnail(self, request: Request) -> Response:
        """`GET .../thumbnail?size=`: JPEG whose longer side has at most `size` pixels."""
        identity = require(request.scope, Action.view_slides)
        entry = self._library.entry(request.path_params["slide_id"])
        size = _read_number(request, "size", 512)
        if size not in _THUMBNAIL_SIZES:
            least, most = _THUMBNAIL_SIZES[0], _THUMBNAIL_SIZES[-1]
            raise RegionError(user_messages.thumbnail_size_invalid(least, most, size))
        owner, aspect = identity.bound_key, entry.scale.pixel_aspect
        jpeg = await self._picture(
            request, identity, entry, lambda slide: slide.thumbnail(size, owner, aspect)
        )
        if size > _LARGEST_LIST_THUMBNAIL:
            await self._openings.log_view(identity, entry.id)
        return Response(jpeg, 200, _PICTURE_HEADERS, "image/jpeg")

    async def region(self, request: Request) -> Response:
        """`GET .../region?x&y&width&height&max_pixels&colours`: PNG of a level-0 box.

        The header X-Mpp gives its microns per pixel if the scale is known. Colours are corrected
        to sRGB if the slide has a profile, except with `colours=raw`.
        """
        identity = require(request.scope, Action.view_slides)
        entry = self._library.entry(request.path_params["slide_id"])
        region = Region(*(_read_number(request, name) for name in ("x", "y", "width", "height")))
        max_pixels = self._max_pixels(request, region)
        owner, corrected = identity.bound_key, _wants_correction(request)
        picture = await self._picture(
            request,
            identity,
            entry,
            lambda slide: slide.region_png(
                region, max_pixels, owner, entry.scale.pixel_aspect, corrected=corrected
            ),
        )
        await WRITES.run(lambda: self._audit_view(entry, identity, asdict(region)), owner)
        answer = Response(picture.png, 200, _REGION_HEADERS, "image/png")
        if entry.pixel_size is not None:
            sides = (region.width, region.height), (picture.width, picture.height)
            answer.headers["X-Mpp"] = f"{entry.pixel_size.picture_mpp(*sides):.6g}"
        return answer

    async def colours(self, request: Request) -> Response:
        """`GET .../colours`: the table with which pages correct tiles, which have raw colours."""
        identity = require(request.scope, Action.view_slides)
        entry = self._library.entry(request.path_params["slide_id"])
        owner = identity.bound_key
        table = await self._picture(
            request, identity, entry, lambda slide: slide.colour_table(owner)
        )
        if table is None:
            raise ImageNotFound(user_messages.no_colour_profile(entry.name))
        return JSONResponse(_table_json(table), 200, _PICTURE_HEADERS)

    async def associated_image(self, request: Request) -> Response:
        """`GET .../associated/{name}`: JPEG, if the settings allow images with patient data."""
        identity = require(request.scope, Action.view_slides)
        entry = self._library.entry(request.path_params["slide_id"])
        if not self._settings.show_associated_images:
            raise ImageNotFound(user_messages.ASSOCIATED_IMAGES_OFF)
        name = request.path_params["name"]
        owner = identity.bound_key
        jpeg = await self._picture(
            request, identity, entry, lambda slide: slide.associated_jpeg(name, owner)
        )
        await WRITES.run(lambda: self._audit_view(entry, identity, {"image": name}), owner)
        return Response(jpeg, 200, _PICTURE_HEADERS, "image/jpeg")

    async def _picture(
        self,
        request: Request,
        identity: Identity,
        entry: LibraryEntry,
        make: Callable[[ServedSlide], Awaitable[Result]],
    ) -> Result:
        """Return the result of `make`. Raises ClientGone on a disconnect, TooBusy at the limit."""

        async def work() -> Result:
            return await make(await self._pool.open(entry.id, identity.bound_key))

        with self._work.accounts.slot(identity.bound_key, WorkKind.picture):
            return await while_connected(Client(request.receive), work)

    def _open_summary(
        self, entry: LibraryEntry, slide: ServedSlide, identity: Identity
    ) -> dict[str, Any]:
        self._openings.log_opening(identity, entry.id)
        images = slide.associated_images if self._settings.show_associated_images else ()
        return _summary(entry) | {
            "levels": [_level_json(level) for level in slide.levels],
            "associated_images": list(images),
        }

    def _audit_view(self, entry: LibraryEntry, identity: Identity, detail: dict[str, Any]) -> None:
        if not self._settings.public_demo:
            with self._database.session() as session:
                audit.add_entry(session, identity.account_id, "view_slide", entry.id, detail)

    def _save_change(self, entry: LibraryEntry, change: _SlideChange, identity: Identity) -> None:
        detail: dict[str, Any] = {}
        with self._database.session() as session:
            if change.alias is not None:
                rename_slide(session, entry.id, change.alias)
                detail["alias"] = change.alias
            if change.scale is not None:
                enter_scale(session, entry.id, identity.account_id, change.scale)
                detail |= audit_detail(change.scale)
            audit.add_entry(session, identity.account_id, "describe_slide", entry.id, detail)
        self._library.refresh()

    def _max_pixels(self, request: Request, region: Region) -> int:
        limit = self._settings.region_pixel_limit
        region_pixels = region.width * region.height
        max_pixels = _read_number(request, "max_pixels", region_pixels)
        if not 1 <= max_pixels <= limit and region_pixels > 0:
            raise RegionError(user_messages.picture_size_invalid(limit, max_pixels))
        return max(1, max_pixels)


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


def _wants_correction(request: Request) -> bool:
    """Whether the request wants corrected colours (the default). Raises RegionError."""
    colours = request.query_params.get("colours", "corrected")
    if colours not in ("corrected", "raw"):
        raise RegionError(user_messages.colours_unknown(repr(colours[:40])))
    return colours == "corrected"


def _level_json(level: Level) -> dict[str, Any]:
    """Return a level as JSON; level-0 (x, y) is at (x / downsample_x, y / downsample_y) in it."""
    return asdict(level) | {
        "downsample": level.downsample.mean,
        "downsample_x": level.downsample.x,
        "downsample_y": level.downsample.y,
    }


@dataclass(frozen=True)
class _SlideChange:
    """Changes of a slide."""

    alias: str | None
    """New name; None: unchanged."""

    scale: NewScale | None
    """New scale; None: unchanged."""


def _read_change(body: dict[str, Any], entry: LibraryEntry) -> _SlideChange:
    """Parse a request's changes. Raises DescriptionError, ScaleError or RegionError."""
    if body.keys() - {"alias", *FIELDS} or not body:
        raise DescriptionError(user_messages.DESCRIPTION_INVALID)
    alias = _read_alias(body["alias"]) if "alias" in body else None
    return _SlideChange(alias, new_scale(body, entry) if FIELDS & body.keys() else None)


def _read_alias(value: object) -> str:
    alias = tidy_name(value) if isinstance(value, str) else ""
    if not 1 <= len(alias) <= _LONGEST_ALIAS:
        raise DescriptionError(user_messages.alias_length(_LONGEST_ALIAS))
    return alias


def _read_number(request: Request, name: str, default: int | None = None) -> int:
    """Return a whole number of the query. Raises RegionError."""
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    number = parse_whole_number((text or "").removeprefix("-")[: _MOST_DIGITS + 1])
    if number is None or number >= 10**_MOST_DIGITS:
        raise RegionError(user_messages.not_whole_number(name, (text or "")[:40]))
    return -number if text and text.startswith("-") else number
