"""The whole application as one ASGI app: guard, tiles, JSON routes, pages."""

from __future__ import annotations

import logging
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI
from starlette.routing import Mount, Route

from pathviewer.api.foreign_errors import PLAIN_TEXT, ErrorReshaper
from pathviewer.api.gradio_endpoints import add_endpoints
from pathviewer.api.question_asker import QuestionAsker
from pathviewer.api.responses import exception_handlers, internal_error
from pathviewer.api.routes.api_routes import ApiRoutes
from pathviewer.api.routes.attention_maps import AttentionMapRoutes
from pathviewer.api.routes.audit import AuditRoutes
from pathviewer.api.routes.comparisons import ComparisonRoutes
from pathviewer.api.routes.deletion_check import DeletionCheckRoutes
from pathviewer.api.routes.documentation import DocumentationRoutes
from pathviewer.api.routes.evidence import EvidenceRoutes
from pathviewer.api.routes.exports import ExportRoutes
from pathviewer.api.routes.feedback import FeedbackRoutes
from pathviewer.api.routes.insights import InsightsRoutes
from pathviewer.api.routes.metrics import MetricsRoutes
from pathviewer.api.routes.question_preview import QuestionPreviewRoutes
from pathviewer.api.routes.question_report import QuestionReportRoutes
from pathviewer.api.routes.questions import QuestionRoutes
from pathviewer.api.routes.regions import RegionRoutes
from pathviewer.api.routes.service import ServiceRoutes
from pathviewer.api.routes.slide_map import SlideMapRoutes
from pathviewer.api.routes.slides import SlideRoutes
from pathviewer.api.routes.tile import TileRoute
from pathviewer.api.routes.uploads import UploadRoutes
from pathviewer.api.routes.worklist_report import WorklistReportRoutes
from pathviewer.api.routes.worklists import WorklistRoutes
from pathviewer.auth.access import Access
from pathviewer.auth.consent import Consents
from pathviewer.auth.guard import ANSWERED_KEY, Guard
from pathviewer.auth.headers import NO_STORE, security_headers
from pathviewer.auth.login_routes import auth_routes
from pathviewer.common.work_queue import Work, WorkKind
from pathviewer.export.jobs import ExportJobs
from pathviewer.operations.background_tasks import run_background_tasks
from pathviewer.operations.demo_folder import DemoFolder
from pathviewer.operations.metrics import (
    CountedTiles,
    Metrics,
    MetricsMiddleware,
    resident_bytes_of_children,
)
from pathviewer.questions.engine import EngineService
from pathviewer.questions.model_input import Pictures
from pathviewer.questions.service import QuestionService
from pathviewer.questions.store import QuestionStore
from pathviewer.server import user_messages
from pathviewer.server.gradio_allowlist import GradioAllowlist
from pathviewer.server.gradio_gateway import GradioGateway
from pathviewer.server.log_format import log_request
from pathviewer.server.request_limits import RequestLimits
from pathviewer.slides.library import SlideLibrary
from pathviewer.slides.readers.fault_log import FileFaults
from pathviewer.slides.readers.pool import ReaderPool
from pathviewer.slides.slide_pool import SlidePool
from pathviewer.ui.html_pages import html_page_routes
from pathviewer.ui.page import build_page, page_options
from pathviewer.ui.page_files import page_routes
from storage.blobs import BlobStore
from storage.database import Database, PoolSizes, open_database
from storage.private_files import make_private_folder

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from pathviewer.auth.headers import Headers
    from pathviewer.operations.metrics import Tiles
    from pathviewer.settings import Settings

log = logging.getLogger("pathviewer")

QUEUE_POLL_SECONDS = 0.02
"""Polling interval of Gradio's queue, s, and so the longest delay of an event."""
CLOSE_SECONDS = 2.0
"""Time that shutdown waits for interrupted questions to be recorded as interrupted, s."""


@dataclass(frozen=True)
class Services:
    """Objects shared by routes and pages; one instance per run of the server."""

    settings: Settings
    """Settings of this run."""
    database: Database
    """Accounts, sessions, slides, regions, questions, feedback, audit log."""
    blobs: BlobStore
    """Model input pictures and attention archives."""
    access: Access
    """Authentication and access rules."""
    library: SlideLibrary
    """Available slides."""
    pool: SlidePool
    """Open slides."""
    engine: EngineService
    """The model; it starts with the application's lifespan."""
    questions: QuestionService
    """Running and stored questions."""
    visits: DemoFolder
    """Data that visitors of a public demo leave."""
    work: Work
    """Threads and limits of slow work."""
    metrics: Metrics
    """Metrics of the program itself."""


def create_app(settings: Settings) -> ASGIApp:
    """Return the application for one run; raises what `open_services` raises."""
    return build_app(open_services(settings))


def build_app(services: Services) -> ASGIApp:
    """Return the application on these services; its lifespan starts and closes them."""
    access, prefix = services.access, services.settings.root_path
    tiles = CountedTiles(
        TileRoute(services.pool, access.access_log, services.work.accounts), services.metrics.tiles
    )
    app = add_guard(tiles, add_metrics(build_page_app(services), services), access)
    return RootPath(app, prefix) if prefix else app


def add_metrics(pages: FastAPI, services: Services) -> ASGIApp:
    """Wrap the pages so that requests are counted by route."""
    templates = {route.endpoint: route.path for route in pages.routes if isinstance(route, Route)}

    def note(method: str, route: str, status: int, seconds: float) -> None:
        services.metrics.note_request(method, route, status, seconds)
        log_request(method, route, status, seconds)

    return MetricsMiddleware(pages, templates, note)


def add_guard(tiles: Tiles, pages: ASGIApp, access: Access) -> ASGIApp:
    """Put the guard in front of tiles and pages; unhandled errors become our JSON error shape."""
    behind = RequestLimits(TileDispatcher(tiles, pages), access.settings)
    guard = Guard(behind, access, tiles.find_cached)
    return ErrorBoundary(guard, (*security_headers(access.settings), NO_STORE))


def open_services(settings: Settings) -> Services:
    """Open the services; the lifespan in `build_page_app` closes them.

    Raises StorageError if the database cannot be opened, AccessError if the address requires
    accounts and there are none, UpkeepError if another public demo uses the state folder.
    """
    make_private_folder(settings.data)
    visits = DemoFolder(settings)
    database = open_database(settings.database, connections=database_connections(settings))
    access = Access(settings, database)
    access.check_exposure()
    folders = slide_folders(settings)
    faults = FileFaults(settings.reader_faults, settings.reader_memory_mib)
    readers = ReaderPool(settings, folders=folders, faults=faults)
    library = SlideLibrary(
        folders,
        database,
        show_file_names=settings.show_file_names,
        show_labels=settings.show_associated_images,
        uploads=settings.uploads,
        demo=settings.demo,
        opener=readers,
    )
    pool = SlidePool(library.locate, settings, readers)
    blobs, engine = BlobStore(settings.blobs), EngineService(settings)
    writer = f"{platform.node()} {settings.host} {settings.port}"
    work, metrics = Work(settings), Metrics()
    questions = QuestionService(engine, QuestionStore(database, blobs, writer), work.accounts)
    database.note_write = metrics.note_write
    register_gauges(metrics, engine, work, readers)
    return Services(
        settings, database, blobs, access, library, pool, engine, questions, visits, work, metrics
    )


def register_gauges(
    metrics: Metrics, engine: EngineService, work: Work, readers: ReaderPool
) -> None:
    """Register gauges of work in progress and of the memory of child processes."""

    def in_progress() -> dict[str, float]:
        return {kind.name: work.accounts.in_progress(kind) for kind in WorkKind}

    def waiting() -> dict[str, float]:
        return {"question": engine.status().waiting}

    def memory() -> dict[str, float]:
        return {"children": resident_bytes_of_children()}

    def reader_calls() -> dict[str, float]:
        return {"calls": readers.calls_begun, "ended": readers.readers_ended}

    metrics.register_gauge(
        "slide_readers", "Calls to slide readers, and readers that ended.", reader_calls
    )
    metrics.register_gauge("in_progress", "Work in progress of all accounts.", in_progress)
    metrics.register_gauge("model_waiting", "Requests waiting for the model.", waiting)
    metrics.register_gauge(
        "resident_bytes", "Memory of the model and of other child processes.", memory
    )


def database_connections(settings: Settings) -> PoolSizes:
    """Return the sizes of the database connection pools."""
    return PoolSizes(settings.database_read_connections, settings.database_write_connections)


def slide_folders(settings: Settings) -> tuple[Path, ...]:
    """Return the slide folders; a public demo has only the demo slide's."""
    make_private_folder(settings.demo)
    if settings.public_demo:
        return (settings.demo,)
    make_private_folder(settings.uploads)
    return (*settings.slides, settings.demo, settings.uploads)


def build_page_app(services: Services) -> FastAPI:
    """Build all routes except tiles: login, JSON, static files, and the Gradio page at the root."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.pool.readers.start()
        services.library.start()
        services.questions.recover()
        services.engine.start()
        try:
            with run_background_tasks(*shared):
                yield
        finally:
            services.questions.close()
            services.engine.close()
            services.questions.join(CLOSE_SECONDS)
            services.pool.close()
            services.library.stop()
            services.database.close()
            services.visits.give_back()

    shared = services.access, services.database, services.blobs, services.questions
    api = build_api(services)
    own_routes = list_routes(services, api)
    handlers = exception_handlers()
    app = FastAPI(
        openapi_url=None, lifespan=lifespan, routes=[*own_routes], exception_handlers=handlers
    )
    page = mount_page(app, services, api)
    mount = app.routes[-1]
    if not isinstance(mount, Mount):
        raise TypeError(user_messages.gradio_not_last(mount))
    gateway = GradioGateway(mount.app, page, services.settings.calls_per_account)
    services.metrics.register_gauge(
        "gradio_sessions", "Sessions of Gradio's queue.", gateway.sessions.counts
    )
    mount.app = GradioAllowlist(gateway, own_routes)
    return app


def mount_page(app: FastAPI, services: Services, api: ApiRoutes) -> gr.Blocks:
    """Mount the Gradio page and its named endpoints under every path without a route of ours."""
    page = build_page(services.settings, services.library)
    add_endpoints(page, api, services.questions)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        root_path=services.settings.root_path or None,
        show_error=False,
        ssr_mode=False,
        footer_links=[],
        run_history=False,  # It can write to the Hugging Face hub with the host's token.
        **page_options(services.settings),
    )
    # Gradio polls for queued events every millisecond. This took a fifth of the event loop under
    # load and drained laptop batteries when idle. No public setting changes the interval.
    page._queue.sleep_when_free = QUEUE_POLL_SECONDS
    page._queue.progress_update_sleep_when_free = QUEUE_POLL_SECONDS
    return page


def build_api(services: Services) -> ApiRoutes:
    """Return the handlers of the JSON API."""
    settings, database, library = services.settings, services.database, services.library
    pictures = Pictures(library, services.pool, settings.model)
    questions, consents = services.questions, Consents(settings, database)
    openings, work = services.access.access_log, services.work
    asker = QuestionAsker(questions, pictures, work)
    jobs = ExportJobs(database, services.blobs, settings.exports, work.accounts)
    return ApiRoutes(
        ServiceRoutes(settings, services.engine),
        MetricsRoutes(settings, services.metrics),
        SlideRoutes(library, services.pool, database, settings, openings, work),
        RegionRoutes(library, database, settings.regions_per_account),
        QuestionPreviewRoutes(services.engine, pictures, openings, work),
        QuestionRoutes(library, pictures, questions, asker, openings, work),
        QuestionReportRoutes(questions, database, openings, work),
        WorklistReportRoutes(library, database, questions.store, openings, work),
        AttentionMapRoutes(questions, work),
        SlideMapRoutes(database, work),
        FeedbackRoutes(library, database, consents),
        ComparisonRoutes(library, database, asker, questions, consents, settings, work),
        AuditRoutes(database),
        WorklistRoutes(library, database, settings),
        DeletionCheckRoutes(pictures, questions, work),
        EvidenceRoutes(pictures, questions, work),
        UploadRoutes(library, database, settings, services.pool.readers),
        InsightsRoutes(database, work),
        ExportRoutes(database, jobs, settings.label_licence),
    )


def build_routes(services: Services) -> list[BaseRoute]:
    """Return our own routes in matching order."""
    return list_routes(services, build_api(services))


def list_routes(services: Services, api: ApiRoutes) -> list[BaseRoute]:
    """Return the routes of login, API, its documentation and pages."""
    settings, api_routes = services.settings, api.routes()
    return [
        *auth_routes(settings, services.database, services.access),
        *DocumentationRoutes(settings, api_routes).router().routes,
        *api_routes,
        *html_page_routes(settings),
        *page_routes(settings),
    ]


class TileDispatcher:
    """Send tile requests straight to the tile route and all others to the page application."""

    def __init__(self, tiles: Tiles, pages: ASGIApp) -> None:
        self._tiles = tiles
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
        elif self._tiles.matches(scope["path"]):
            await self._tiles(scope, receive, send)
        else:
            await self._pages(scope, receive, ErrorReshaper(send, PLAIN_TEXT).send)


class ErrorBoundary:
    """Log exceptions that escape the guard and answer them with an internal error."""

    def __init__(self, guard: Guard, headers: Headers) -> None:
        """Take the headers that the guard would have added."""
        self._guard = guard
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._guard(scope, receive, send)
        except Exception:
            if scope["type"] != "http" or scope.get(ANSWERED_KEY):
                raise  # uvicorn logs it and closes the connection: the response may be half sent
            log.exception("A request failed with an internal error.")
            answer = internal_error()
            answer.raw_headers += self._headers
            await answer(scope, receive, send)


class RootPath:
    """Strip the sub-path, whether or not the reverse proxy has already done so."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        prefix = self._prefix
        if scope["type"] in {"http", "websocket"}:
            path = scope["path"]
            if path == prefix or path.startswith(f"{prefix}/"):
                scope = {**scope, "path": path[len(prefix) :] or "/", "raw_path": None}
        await self._app(scope, receive, send)
