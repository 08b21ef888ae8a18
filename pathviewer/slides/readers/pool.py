"""Pool of reader processes: scheduling, time limits, and files that end a reader.

Pebble runs the processes. It is the pool on PyPI that ends a process whose task takes too long
without stopping the others, and that reports which task a process died of.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from multiprocessing import util
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from pathviewer.common.daemon_thread import DaemonThread
from pathviewer.settings import Settings
from pathviewer.slides import user_messages
from pathviewer.slides.errors import (
    ReadersBusy,
    RegionTooSlow,
    SlideEndedReader,
    SlideError,
    SlideTooLarge,
    SlideUnopenable,
)
from pathviewer.slides.intake_opener import LIBRARY, DicomIdentity
from pathviewer.slides.readers import tasks
from pathviewer.slides.readers.fault_log import FileFault, FileFaults
from pathviewer.slides.readers.limits import ReaderLimits, restrict_reader
from pathviewer.slides.readers.tasks import ReaderShutOut
from pathviewer.slides.slide_facts import SlideFacts

_log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_OPEN_FILES = 1024
"""Most files that a reader may have open; a MIRAX slide has about a hundred."""

_MOST_CALLS = 1000
"""Calls after which a reader is replaced: libraries leak memory with each damaged file."""

_MOST_DEATHS = 2
"""Most readers that one call may end; the first may have died of something else."""

_MOST_FAILURES = 3
"""Retries of a call after the pool failed, which is not the call's fault."""

_WATCH_SECONDS = 1.0
_GRACE_SECONDS = 5.0
"""Time after Pebble's own limit at which a call is given up."""

_LONGEST_SOCKET_FOLDER = 80
"""Longest folder of the fork server's socket, in characters; sockets allow 108."""

_PRELOADED = ["PIL.Image", "openslide", "pydicom", "simplejpeg", "tifffile", tasks.__name__]
"""Modules imported once and shared by all readers."""


class Urgency(Enum):
    """Kinds of calls, the most urgent first."""

    view = 1
    """Opening a slide, and tiles of the file's levels: a person looks at the page."""

    overview = 2
    """Thumbnails and tiles of coarser levels, which are made from many tiles."""

    region = 3
    """Pictures of regions."""

    intake = 4
    """Files that have not been opened before."""


@dataclass(frozen=True)
class _Call:
    urgency: Urgency
    requester: str
    path: Path
    name: str
    run: partial[Any]
    """Picklable."""

    future: Future[Any] = field(default_factory=Future)
    deaths: int = 0
    """Readers that died during this call."""
    failures: int = 0
    """Pools that failed during this call."""


@dataclass(frozen=True, eq=False)
class _Running:
    call: _Call
    processes: ProcessPool
    began: float
    """Start time, on the monotonic clock."""


class ReaderPool:
    """Runs functions of `tasks` in reader processes. Thread-safe.

    Requesters take turns. With several readers, no requester can occupy all of them, and one is
    always reserved for `Urgency.view`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        folders: tuple[Path, ...] | None = None,
        faults: FileFaults | None = None,
    ) -> None:
        """Set the `folders` that readers may read; `None` allows every folder."""
        self._count = settings.readers
        self._seconds = settings.reader_seconds
        self._limits = ReaderLimits(settings.reader_memory_mib, _OPEN_FILES, folders)
        self.faults = faults or FileFaults(None, settings.reader_memory_mib)
        self._lock = threading.RLock()
        self._waiting: OrderedDict[tuple[Urgency, str], deque[_Call]] = OrderedDict()
        self._running: list[_Running] = []
        self._watcher: threading.Thread | None = None
        self._stopped = threading.Event()
        self._barred: dict[Path, str] = {}
        self._noting: Counter[Path] = Counter()
        self.calls_begun = 0
        """Calls given to readers since the start."""
        self.readers_ended = 0
        """Readers that died or were ended during a call."""
        self._closed = False
        self._processes: ProcessPool | None = None
        self._ends = DaemonThread("reader-ends")
        self._notes = DaemonThread("reader-faults")

    @property
    def seconds(self) -> float:
        """Time limit of a call."""
        return self._seconds

    def start(self) -> None:
        """Start the readers without waiting until they are ready."""
        self.submit(Urgency.view, "", Path(), "", tasks.check_ready)

    def submit(
        self,
        urgency: Urgency,
        requester: str,
        path: Path,
        name: str,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        """Run a function of `tasks` on the slide at `path`, called `name` in messages.

        `requester` is an account's id or another key for fair scheduling. The future may be
        cancelled until the call has begun. It raises SlideError: SlideEndedReader if the file ended
        its reader, now or before, and ReadersBusy if there are no readers.
        """
        call = _Call(urgency, requester, path, name, partial(function, *args, **kwargs))
        if self._fails_as_barred(call):
            return call.future
        with self._lock:
            if self._closed:
                call.future.set_exception(_no_readers())
                return call.future
            self._waiting.setdefault((urgency, requester), deque()).append(call)
        self._dispatch()
        return call.future

    def check_allowed(self, path: Path, name: str) -> None:
        """Raise SlideEndedReader for a file that has ended a reader. Accesses the file."""
        fault = self.faults.find_barring_fault(path)
        if fault is not None:
            raise _fault_error(name, fault.reason)
        with self._lock:
            if not self._noting[path]:
                self._barred.pop(path, None)  # the file was replaced, or its wait is over

    def facts(self, path: Path, name: str, requester: str = LIBRARY) -> SlideFacts:
        """Return the facts stated in a slide's file. Raises SlideError."""
        self.check_allowed(path, name)
        call = self.submit(Urgency.intake, requester, path, name, tasks.read_facts, path, name)
        return call.result()

    def dicom_identity(self, path: Path, requester: str = LIBRARY) -> DicomIdentity:
        """Series and instance of a DICOM file; `None` for missing ones. Raises SlideError."""
        return self._inspect(path, requester, tasks.dicom_identity, path)

    def hold_one_export(self, paths: Sequence[Path], requester: str = LIBRARY) -> bool:
        """Return whether the DICOM files of a series may all be of one export; True if unknown."""
        try:
            return not paths or self._inspect(
                paths[0], requester, tasks.hold_one_export, tuple(paths)
            )
        except SlideError:
            return True

    def _inspect(
        self, path: Path, requester: str, function: Callable[..., Result], argument: object
    ) -> Result:
        name = user_messages.DICOM_FILE
        self.check_allowed(path, name)
        return self.submit(Urgency.intake, requester, path, name, function, argument).result()

    def close(self) -> None:
        """End the readers; queued and running calls fail with ReadersBusy."""
        self._stopped.set()
        with self._lock:
            self._closed = True
            waiting = [call for queue in self._waiting.values() for call in queue]
            self._waiting.clear()
            processes, self._processes = self._processes, None
            running, self._running = self._running, []
        for call in (*waiting, *(one.call for one in running)):
            _fail(call.future, _no_readers())
        if processes is not None:
            processes.stop()  # type: ignore[no-untyped-call]
            processes.join()
        self._ends.stop()
        self._notes.stop()

    def _dispatch(self) -> None:
        """Give work to idle readers."""
        while True:
            with self._lock:
                call = self._next()
                if call is None:
                    return
                if self._fails_as_barred(call):
                    continue
                self.calls_begun += 1
                try:
                    self._schedule(call)
                except (RuntimeError, BrokenProcessPool) as error:
                    _log.error("Readers cannot be started: %r", error.__cause__ or error)
                    _fail(call.future, _no_readers())

    def _next(self) -> _Call | None:
        """Take the next call that may run now from its queue; requesters take turns."""
        if self._closed or len(self._running) >= self._count:
            return None
        for urgency in Urgency:
            for key in [key for key in self._waiting if key[0] is urgency]:
                queue = self._waiting[key]
                while queue and queue[0].future.cancelled():
                    queue.popleft()
                if queue and self._may_run(*key):
                    call = queue.popleft()
                    self._waiting.move_to_end(key)
                    if not queue:
                        del self._waiting[key]
                    if call.future.running() or call.future.set_running_or_notify_cancel():
                        return call
                    return self._next()
                if not queue:
                    del self._waiting[key]
        return None

    def _may_run(self, urgency: Urgency, requester: str) -> bool:
        running = [one.call for one in self._running]
        own = [call for call in running if call.requester == requester]
        if len(own) >= max(1, self._count - 1):
            return False
        if urgency is Urgency.view:
            return True
        patient = [call for call in running if call.urgency is not Urgency.view]
        own_patient = sum(call.requester == requester for call in patient)
        return len(patient) < max(1, self._count - 1) and own_patient < max(1, self._count - 2)

    def _schedule(self, call: _Call) -> None:
        processes = self._started()
        try:
            result = processes.schedule(call.run, timeout=self._seconds)
        except (RuntimeError, BrokenProcessPool):
            # the pool itself has failed, as when its fork server was killed
            self._replace(processes)
            processes = self._started()
            result = processes.schedule(call.run, timeout=self._seconds)
        running = _Running(call, processes, time.monotonic())
        self._running.append(running)
        # boxed: the pool keeps its last future, which must not keep the caller's data alive
        result.add_done_callback(partial(self._take_result, [running]))

    def _started(self) -> ProcessPool:
        if self._processes is None:
            self._processes = ProcessPool(
                self._count,
                max_tasks=_MOST_CALLS,
                initializer=restrict_reader,
                initargs=[self._limits],
                context=_context(),
            )
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="readers", daemon=True)
            self._watcher.start()
        return self._processes

    def _replace(self, failed: ProcessPool) -> None:
        """Replace a failed pool, unless that has been done."""
        with self._lock:
            if self._processes is not failed:
                return
            self._processes = None
        failed.stop()  # type: ignore[no-untyped-call]
        # not here: this may be one of the threads that it waits for
        threading.Thread(target=failed.join, daemon=True).start()

    def _release(self, running: _Running) -> bool:
        """Remove the call from the running ones; return whether it was still running."""
        with self._lock:
            before = len(self._running)
            self._running = [one for one in self._running if one is not running]
            return len(self._running) < before

    def _take_result(self, box: list[_Running], result: Future[Any]) -> None:
        """Take a call's result; runs in a thread of Pebble's, which must not block."""
        running = box.pop()
        if not self._release(running):
            return
        error = CancelledError() if result.cancelled() else result.exception()
        if error is not None:
            self._ends.run(partial(self._explain, running, error))
        elif not running.call.future.done():
            running.call.future.set_result(result.result())
        self._dispatch()

    def _watch(self) -> None:
        """Give up calls of a pool that has failed silently."""
        while not self._stopped.wait(_WATCH_SECONDS):
            overdue = time.monotonic() - self._seconds - _GRACE_SECONDS
            for running in list(self._running):
                is_lost = running.began < overdue or not running.processes.active
                if is_lost and self._release(running):
                    self._ends.run(partial(self._explain, running, BrokenProcessPool()))

    def _explain(self, running: _Running, error: BaseException) -> None:
        """Handle an error of a call; repeat the call if the file may not be the cause."""
        call = running.call
        self.readers_ended += isinstance(error, ProcessExpired) or _is_timeout(error)
        if self._closed:
            _fail(call.future, _no_readers())
        elif isinstance(error, ProcessExpired):
            self._blame(replace(call, deaths=call.deaths + 1), error)
        elif _is_timeout(error):
            task = call.run.func.__name__
            _log.warning("A reader was ended: %s took longer than %g s.", task, self._seconds)
            if call.urgency is Urgency.region:
                _fail(call.future, _too_slow(call.name))
            else:
                self._bar(call, "slow")
        elif isinstance(error, ReaderShutOut):
            # accesses the file, on a disk that may not answer
            shut_out = partial(self._shut_out, running)
            threading.Thread(target=shut_out, daemon=True).start()
        elif isinstance(error, BrokenProcessPool | CancelledError):
            # such as a pool that lost its helper process
            self._replace(running.processes)
            self._excuse(replace(call, failures=call.failures + 1))
        elif isinstance(error, SlideError):
            _fail(call.future, error)
        elif isinstance(error, MemoryError):
            _fail(call.future, SlideTooLarge(user_messages.slide_too_large_for_reader(call.name)))
        else:
            _log.error("A reader failed.", exc_info=error)
            _fail(call.future, _unforeseen(call.name))

    def _shut_out(self, running: _Running) -> None:
        """Replace readers that lack a newer folder, unless the file is unreadable anyway."""
        call = running.call
        if not os.access(call.path, os.R_OK):
            _fail(call.future, _not_allowed(call.name))
            return
        self._replace(running.processes)
        self._excuse(replace(call, failures=call.failures + 1), _not_allowed(call.name))

    def _blame(self, call: _Call, error: ProcessExpired) -> None:
        if call.deaths < _MOST_DEATHS:
            self._call_again(call)
        else:
            _log.warning("A file ended its reader twice (exit code %s).", error.exitcode)
            self._bar(call, "ended")

    def _excuse(self, call: _Call, otherwise: SlideError | None = None) -> None:
        """Repeat a call that is not to blame; after a few times fail it with `otherwise`."""
        if call.failures < _MOST_FAILURES:
            self._call_again(call)
        else:
            _fail(call.future, otherwise or _no_readers())

    def _fails_as_barred(self, call: _Call) -> bool:
        """Fail a call whose file has ended a reader since it was opened; return whether it has.

        Does not access the file: `check_allowed` does, before it is opened again.
        """
        reason = self._barred.get(call.path)
        if reason is None:
            return False
        _fail(call.future, _fault_error(call.name, reason))
        return True

    def _bar(self, call: _Call, reason: str) -> None:
        """Stop opening the file; it is recorded after all of it was read."""
        with self._lock:
            self._barred[call.path] = reason
            self._noting[call.path] += 1
        self._notes.run(partial(self._note, call.path, reason))
        _fail(call.future, _fault_error(call.name, reason))

    def _note(self, path: Path, reason: str) -> None:
        try:
            self.faults.remember(path, reason)
        finally:
            with self._lock:
                self._noting[path] -= 1

    def _call_again(self, call: _Call) -> None:
        with self._lock:
            queue = self._waiting.setdefault((call.urgency, call.requester), deque())
            queue.appendleft(call)
        self._dispatch()


def _context() -> Any:
    """Return how readers are started: forked from a clean preloaded process, if possible."""
    usable = "forkserver" in multiprocessing.get_all_start_methods()
    if not usable or len(util.get_temp_dir()) > _LONGEST_SOCKET_FOLDER:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _is_timeout(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) and error.args[:1] == ("Task timeout",)


def _fault_error(name: str, reason: str) -> SlideEndedReader:
    if reason == "slow":
        return SlideEndedReader(user_messages.slide_takes_too_long(name))
    return SlideEndedReader(user_messages.slide_ended_reader(name))


def _too_slow(name: str) -> RegionTooSlow:
    return RegionTooSlow(user_messages.region_too_slow(name))


def _unforeseen(name: str) -> SlideUnopenable:
    return SlideUnopenable(user_messages.reader_failed(name))


def _not_allowed(name: str) -> SlideUnopenable:
    return SlideUnopenable(user_messages.file_not_permitted(name))


def _no_readers() -> ReadersBusy:
    return ReadersBusy(user_messages.NO_READERS)


def _fail(future: Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


__all__ = ["FileFault", "ReaderPool", "Urgency"]
