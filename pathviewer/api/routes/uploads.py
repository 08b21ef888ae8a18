"""Routes of uploads; a slide is sent in pieces, so that a lost connection costs only one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from pathviewer.api import user_messages
from pathviewer.api.json_route import Uploader, json_router, raw_body
from pathviewer.api.request_body import parse_whole_number
from pathviewer.api.responses import error_to_response
from pathviewer.api.schemas.uploads import UploadBegun, UploadedSlide, UploadOut, UploadRequest
from pathviewer.auth.identity import Forbidden
from pathviewer.common.work_queue import WRITES, Lane
from pathviewer.slides.errors import SlideUnopenable
from pathviewer.slides.upload_errors import (
    UploadConflict,
    UploadError,
    UploadNotFound,
    UploadTooLarge,
)
from pathviewer.slides.uploads import MIB, Arrival, Upload, UploadLimits, UploadStore
from storage import audit

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.settings import Settings
    from pathviewer.slides.intake_opener import Opener
    from pathviewer.slides.library import LibraryEntry, SlideLibrary
    from storage.database import Database

CHUNK_BYTES = 8 * MIB
"""Recommended length of a piece."""

CHECKS_AT_ONCE = 8
"""Maximum concurrent checks of uploads; each waits for a reader."""

CHECKS_PER_ACCOUNT = 2
"""Maximum concurrent checks of one account, whose files may block readers for long."""

DISK_THREADS = 8
"""Maximum concurrent operations on the upload folder: write, look up, remove."""

DISK_THREADS_PER_ACCOUNT = 4
"""Maximum concurrent operations on the upload folder for one account."""

WRITE_BYTES = MIB
"""Bytes collected before a write in a thread."""

LARGEST_OFFSET = 2**60
"""Upper bound of a piece's offset, bytes; the announced size is checked later."""


UploadOffset = Annotated[int, Header(ge=0, le=LARGEST_OFFSET)]
"""Byte at which the piece begins."""


class UploadRoutes:
    """Handlers; disk work runs in separate threads, shared fairly between accounts."""

    def __init__(
        self,
        library: SlideLibrary,
        database: Database,
        settings: Settings,
        opener: Opener | None = None,
    ) -> None:
        """`opener` opens finished uploads; None: in this process."""
        limits = UploadLimits(
            settings.upload_limit_mib * MIB,
            settings.upload_pending,
            settings.upload_account_mib * MIB,
        )
        self._library = library
        self._database = database
        self._public_demo = settings.public_demo
        self._store = UploadStore(settings.uploads, database, limits, opener)
        self._disk = Lane(DISK_THREADS, DISK_THREADS_PER_ACCOUNT)
        self._finishing = Lane(CHECKS_AT_ONCE, CHECKS_PER_ACCOUNT)
        self._store.remove_leftovers()

    def router(self) -> APIRouter:
        """Return the routes to announce, send, query and cancel uploads; all need
        `upload_slides`."""
        router = json_router()
        path = "/api/uploads/{upload_id}"
        router.post("/api/uploads", status_code=201, response_model=UploadBegun)(self.begin)
        complete: dict[int | str, dict[str, Any]] = {201: {"model": UploadedSlide}}
        piece = raw_body("application/octet-stream")
        router.patch(path, response_model=UploadOut, responses=complete, openapi_extra=piece)(
            self.receive
        )
        router.head(path, response_class=Response)(self.progress)
        router.delete(path, status_code=204, response_class=Response)(self.cancel)
        return router

    async def begin(self, caller: Uploader, file: UploadRequest) -> dict[str, Any]:
        """Announce a file."""
        self._check_open()
        account = caller.account_id
        upload = await WRITES.run(lambda: self._store.begin(account, file.name, file.size), account)
        return _state_json(upload, 0) | {"chunk_bytes": CHUNK_BYTES}

    async def receive(
        self, request: Request, caller: Uploader, upload_id: str, upload_offset: UploadOffset
    ) -> Response:
        """Take the next bytes: 200 with the offset, or 201 with the new slide.

        A repeated last piece, sent because the response was lost, gets 201 again.
        """
        self._check_open()
        try:
            upload = await self._find_upload(caller, upload_id)
        except UploadNotFound:
            arrival = await self._find_arrival(caller, upload_id)
            async for _ in _read_pieces(request):
                pass  # a proxy may reject a response that precedes the end of the request
        else:
            try:
                return await self._receive_piece(request, upload, upload_offset)
            except UploadNotFound:  # finished or cancelled by another request
                arrival = await self._find_arrival(caller, upload_id)
        add_slide = partial(self._add_to_library, arrival)
        return _created_response(await self._finishing.run(add_slide, arrival.upload.account_id))

    async def _receive_piece(self, request: Request, upload: Upload, offset: int) -> Response:
        try:
            received = await self._append(request, upload, offset)
        except UploadConflict as error:
            received = await self._received_bytes(upload)
            conflict = error_to_response(error)
            conflict.headers["Upload-Offset"] = str(received)
            return conflict
        if received == upload.size:
            finish = partial(self._finish, upload)
            return _created_response(await self._finishing.run(finish, upload.account_id))
        return JSONResponse(_state_json(upload, received), headers={"Upload-Offset": str(received)})

    async def progress(self, caller: Uploader, upload_id: str) -> Response:
        """Return offset and length in the headers."""
        self._check_open()
        try:
            upload = await self._find_upload(caller, upload_id)
            received = await self._received_bytes(upload)
        except UploadNotFound:
            upload = (await self._find_arrival(caller, upload_id)).upload
            received = upload.size
        headers = {"Upload-Offset": str(received), "Upload-Length": str(upload.size)}
        return Response(headers=headers | {"Cache-Control": "no-store"})

    async def cancel(self, caller: Uploader, upload_id: str) -> None:
        """Remove the received bytes."""
        self._check_open()
        upload = await self._find_upload(caller, upload_id)
        await WRITES.run(partial(self._store.cancel, upload), upload.account_id)

    def _check_open(self) -> None:
        if self._public_demo:
            raise Forbidden(user_messages.UPLOADS_OFF)

    async def _find_upload(self, caller: Identity, upload_id: str) -> Upload:
        find = partial(self._store.find, upload_id, caller.account_id)
        return await self._disk.run(find, caller.account_id)

    async def _find_arrival(self, caller: Identity, upload_id: str) -> Arrival:
        arrival = partial(self._store.arrival, upload_id, caller.account_id)
        return await self._disk.run(arrival, caller.account_id)

    async def _received_bytes(self, upload: Upload) -> int:
        return await self._disk.run(partial(self._store.count_received, upload), upload.account_id)

    async def _append(self, request: Request, upload: Upload, offset: int) -> int:
        """Write the body and return the new offset; after a disconnect, the received part stays."""
        announced = parse_whole_number(request.headers.get("content-length")) or 0
        if offset + announced > upload.size:
            raise UploadTooLarge(user_messages.piece_too_large(upload.size))
        async for piece in _read_pieces(request):
            append = partial(self._store.append, upload, offset, piece)
            await self._disk.run(append, upload.account_id)
            offset += len(piece)
        return offset

    def _finish(self, upload: Upload) -> LibraryEntry:
        arrival = Arrival(upload, self._store.finish(upload))
        try:
            entry = self._add_to_library(arrival)
        except SlideUnopenable:
            self._store.discard(arrival)
            raise
        with self._database.session() as session:
            detail = {"bytes": upload.size}
            audit.add_entry(session, upload.account_id, "upload_slide", entry.id, detail)
        return entry

    def _add_to_library(self, arrival: Arrival) -> LibraryEntry:
        """Add the slide to the library without a scan of all folders."""
        entry = self._library.add(arrival.path)
        if entry is None:
            name = arrival.upload.name
            raise SlideUnopenable(user_messages.upload_not_listed(name))
        return entry


def _created_response(entry: LibraryEntry) -> Response:
    return JSONResponse(UploadedSlide(slide_id=entry.id, name=entry.name).model_dump(), 201)


def _state_json(upload: Upload, received: int) -> dict[str, Any]:
    return UploadOut(upload_id=upload.id, offset=received, size=upload.size).model_dump()


async def _read_pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in pieces of at least WRITE_BYTES; the last, possibly empty, may be smaller.

    Raises UploadError on a disconnect, after the received part.
    """
    gathered = bytearray()
    try:
        async for chunk in request.stream():
            gathered += chunk
            if len(gathered) >= WRITE_BYTES:
                yield bytes(gathered)
                gathered.clear()
    except ClientDisconnect:
        yield bytes(gathered)
        raise UploadError(user_messages.PIECE_CUT_OFF) from None
    yield bytes(gathered)
