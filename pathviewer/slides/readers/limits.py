"""Resource limits of a reader, set when it starts and not raised again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from pathviewer.slides.companion_files import confine_companions
from pathviewer.slides.readers.landlock import restrict_to_read_only

_MIB = 2**20

_OWN_FILES = (
    *("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"),
    *("/dev/null", "/dev/urandom", "/proc/self"),
)
"""System files that Python and its libraries may still read after the start."""


@dataclass(frozen=True)
class ReaderLimits:
    """Limits of one reader process."""

    memory_mib: int
    """Most memory that it may allocate, in MiB."""

    open_files: int
    """Most files that it may have open at once."""

    folders: tuple[Path, ...] | None
    """Folders that it may read besides the program's own files; `None` allows every folder."""


def restrict_reader(limits: ReaderLimits) -> None:
    """Give up everything that reading slides does not need; a reader does this first.

    Raises OSError if the system refuses a limit that it supports.
    """
    # default action: ends native code at once, unlike Python's handler
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _limit_resources(limits)
    folders = (Path("/"),) if limits.folders is None else (*limits.folders, *_own_folders())
    restrict_to_read_only(folders)
    # last: the restrictions apply to this thread and to threads started later
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    confine_companions(limits.folders or ())  # for systems that cannot confine the process itself


def _end_with_the_server() -> None:
    """End this process with the server; during a call, a reader would not notice its end."""
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os._exit(1)


def _limit_resources(limits: ReaderLimits) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has no such limits; time is limited from outside
    bounds = {
        resource.RLIMIT_DATA: limits.memory_mib * _MIB,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for kind, limit in bounds.items():
        _, most = resource.getrlimit(kind)
        allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(kind, (allowed, allowed))


def _own_folders() -> tuple[Path, ...]:
    program = Path(__file__).resolve().parents[2]
    paths = [*_OWN_FILES, sys.prefix, sys.base_prefix, sys.exec_prefix]
    return (program, *map(Path, paths))
