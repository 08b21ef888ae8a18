"""`doctor`: checks that the program can run here, each with a sentence and a remedy."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Set
from datetime import UTC, datetime

from pathviewer.auth.access import Access, AccessError
from pathviewer.commands.doctor_check import Check
from pathviewer.commands.doctor_clock import clock
from pathviewer.commands.doctor_model import model
from pathviewer.common.plural import format_count
from pathviewer.operations.state_privacy import (
    close_state,
    hide_upload_name,
    named_uploads,
    privacy_sentence,
)
from pathviewer.server.run import ServeError, listen
from pathviewer.settings import Settings
from pathviewer.slides.errors import SlideError
from pathviewer.slides.readers.fault_log import load as load_faults
from pathviewer.slides.readers.landlock import TCP_VERSION, landlock_version
from pathviewer.slides.readers.pool import ReaderPool, Urgency
from pathviewer.slides.readers.tasks import check_ready
from pathviewer.ui.assets import AssetsError, ensure_assets
from storage.blobs import BlobStore, list_blobs
from storage.database import open_database
from storage.errors import StorageError
from storage.private_files import make_private_folder


def examine(settings: Settings, *, fix: bool = False) -> list[Check]:
    """Run every check; none of them raises. With `fix`, first repair what can be repaired."""
    checks: list[Callable[[Settings], Iterator[Check]]] = [
        slide_libraries,
        slide_readers,
        slides_that_ended_readers,
        slide_folders,
        state_folder,
        *((mend_privacy,) if fix else ()),
        privacy,
        assets,
        database,
        stored_blobs,
        retention,
        clock,
        address,
        model,
        gpu,
    ]
    return [result for check in checks for result in check(settings)]


def slide_libraries(_: Settings) -> Iterator[Check]:
    """Check that OpenSlide and the JPEG library load."""
    try:
        import openslide
        import simplejpeg
    except (ImportError, OSError) as error:
        sentence = (
            f"They cannot be loaded ({error}); pip install -r requirements.txt installs them."
        )
        yield Check("slide libraries", "problem", sentence)
        return
    yield Check(
        "slide libraries",
        "ok",
        f"OpenSlide {openslide.__library_version__} and simplejpeg {simplejpeg.__version__} load.",
    )


def slide_readers(settings: Settings) -> Iterator[Check]:
    """Check that reader processes start; report their sandbox."""
    # only one: others would still be starting when the pool closes, and would print a traceback
    one = settings.model_copy(update={"readers": 1})
    readers = ReaderPool(one, folders=(*settings.slides, settings.demo, settings.uploads))
    try:
        readers.submit(Urgency.view, "", settings.data, "", check_ready).result()
    except SlideError as error:
        sentence = f"They cannot be started ({error}); no slide can be shown without them."
        yield Check("slide readers", "problem", sentence)
        return
    finally:
        readers.close()
    yield _sandbox(settings)


def _sandbox(settings: Settings) -> Check:
    """Describe the limits of readers, and whether the system confines them."""
    version = landlock_version()
    limits = (
        f"{settings.readers} processes read slides, each with at most "
        f"{settings.reader_memory_mib} MiB and {settings.reader_seconds:g} s per call."
    )
    if not version:
        sentence = (
            f"{limits} This system has no Landlock (Linux 5.13 and later), so they may read every "
            "file that the program can read."
        )
        return Check("slide readers", "note", sentence)
    confined = "They read only the slide folders and write nothing (Landlock)."
    if version >= TCP_VERSION:
        confined = (
            "They read only the slide folders, write nothing and open no TCP connection (Landlock)."
        )
    return Check("slide readers", "ok", f"{limits} {confined}")


def slides_that_ended_readers(settings: Settings) -> Iterator[Check]:
    """Report files that are not opened because they ended their reader."""
    for fault in load_faults(settings.reader_faults):
        what = "took too long to read" if fault.reason == "slow" else "ended its reader"
        when = datetime.fromtimestamp(fault.happened_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        sentence = (
            f"{fault.path} {what}, last on {when}; it is not opened"
            f"{' for a while' if fault.reason == 'slow' else ''}. Copy it again or scan again; to "
            f"retry it, remove {settings.reader_faults}."
        )
        yield Check("slides", "note", sentence)


def slide_folders(settings: Settings) -> Iterator[Check]:
    """Check that each configured folder exists and is readable."""
    if not settings.slides:
        sentence = "No folder is named in PATHVIEWER_SLIDES; the demo slide is shown."
        yield Check("slides", "note", sentence)
    for folder in settings.slides:
        try:
            count = sum(1 for _ in folder.iterdir())
        except OSError as error:
            sentence = (
                f"{folder} cannot be read ({error.strerror}); the program runs without it. "
                "Name a readable folder in PATHVIEWER_SLIDES."
            )
            yield Check("slides", "note", sentence)
        else:
            yield Check("slides", "ok", f"{folder} can be read ({count} entries).")


def state_folder(settings: Settings) -> Iterator[Check]:
    """Check that the state folder is writable."""
    probe = settings.data / ".doctor"
    try:
        make_private_folder(settings.data)
        probe.write_bytes(b"")
        probe.unlink()
        free_gib = shutil.disk_usage(settings.data).free / 2**30
    except OSError as error:
        sentence = (
            f"{settings.data} cannot be written ({error.strerror}). "
            "Name a writable folder in PATHVIEWER_DATA."
        )
        yield Check("state folder", "problem", sentence)
    else:
        yield Check("state folder", "ok", f"{settings.data} is writable, {free_gib:.1f} GiB free.")


def privacy(settings: Settings) -> Iterator[Check]:
    """Check that only the owner can read the state and that no file name may name a patient."""
    try:
        right, sentence = privacy_sentence(settings)
        named = len(named_uploads(settings))
    except OSError as error:
        yield Check("privacy", "note", f"The state folder cannot be read ({error.strerror}).")
        return
    yield Check("privacy", "ok" if right else "note", sentence)
    if named:
        sentence = (
            f"{format_count(named, 'uploaded slide')} of an earlier version of the program have "
            "the uploaders' file names, which may name patients: `doctor --fix` moves "
            "them to files with opaque names."
        )
        yield Check("privacy", "note", sentence)


def mend_privacy(settings: Settings) -> Iterator[Check]:
    """Close the state to other accounts; give uploads of earlier versions opaque names."""
    try:
        close_state(settings)
        named = named_uploads(settings)
        if not named:
            return
        opened = open_database(settings.database)
        try:
            for candidate in named:
                hide_upload_name(settings, opened, candidate)
        finally:
            opened.close()
    except (StorageError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        yield Check("privacy", "note", f"Not everything could be fixed: {why}.")


def assets(settings: Settings) -> Iterator[Check]:
    """Check that the viewer's JavaScript is present or can be installed now."""
    try:
        ensure_assets(settings.assets)
    except (AssetsError, OSError) as error:
        yield Check("front-end assets", "problem", str(error))
    else:
        yield Check("front-end assets", "ok", f"The viewer's JavaScript is in {settings.assets}.")


def database(settings: Settings) -> Iterator[Check]:
    """Check that the database opens at the current revision and that the address is safe."""
    try:
        opened = open_database(settings.database)
    except (StorageError, OSError) as error:
        yield Check("database", "problem", str(error))
        return
    try:
        yield Check("database", "ok", f"It opens, at revision {opened.revision()}.")
        Access(settings, opened).check_exposure()
    except AccessError as error:
        yield Check("access", "problem", str(error))
    else:
        yield Check("access", "ok", f"Listening on {settings.host} is safe with these settings.")
    finally:
        opened.close()


def stored_blobs(settings: Settings) -> Iterator[Check]:
    """Check that every picture and attention file in the database exists with the right hash."""
    store = BlobStore(settings.blobs)
    try:
        opened = open_database(settings.database)
    except (StorageError, OSError):
        return  # the database check has already reported this
    try:
        with opened.read_only() as session:
            blobs = list_blobs(session)
        conditions = Counter(store.check(blob.sha256) for blob in blobs)
    except (StorageError, OSError) as error:
        yield Check("stored files", "problem", f"They cannot be read: {error}.")
        return
    finally:
        opened.close()
    missing, damaged = conditions["missing"], conditions["damaged"]
    if missing or damaged:
        sentence = (
            f"Of {len(blobs)} pictures and attention files {missing} are missing and {damaged} "
            f"damaged; restore them from a backup into {settings.blobs}."
        )
        yield Check("stored files", "problem", sentence)
    else:
        mib = sum(blob.byte_count for blob in blobs) / 2**20
        sentence = f"All {len(blobs)} pictures and attention files are intact, {mib:.1f} MiB."
        yield Check("stored files", "ok", sentence)
    yield from stray_files(store, {blob.sha256 for blob in blobs})


def stray_files(store: BlobStore, database_hashes: Set[str]) -> Iterator[Check]:
    """Report files left by a kill during a write; the program ignores them."""
    strays = set(store.list_names()) - database_hashes
    unfinished = store.list_unfinished()
    if strays or unfinished:
        sentence = (
            f"{len(strays)} files are unused and {len(unfinished)} are incomplete: a killed "
            "program left them, or a running one is writing them. They do no harm."
        )
        yield Check("stray files", "note", sentence)


def retention(settings: Settings) -> Iterator[Check]:
    """Report how long questions and uploads are stored."""

    def period(days: int) -> str:
        return f"{format_count(days, 'day')}, longer with feedback" if days else "forever"

    yield Check(
        "retention",
        "ok",
        f"Questions are kept {period(settings.keep_questions_days)}; uploaded slides "
        f"{period(settings.keep_uploads_days)}. PATHVIEWER_KEEP_QUESTIONS_DAYS and "
        "PATHVIEWER_KEEP_UPLOADS_DAYS set this.",
    )


def address(settings: Settings) -> Iterator[Check]:
    """Check that the program can listen on the address."""
    try:
        listen(settings).close()
    except ServeError as error:
        yield Check("address", "note", str(error))
    else:
        yield Check("address", "ok", f"{settings.host}:{settings.port} is free.")


def gpu(_: Settings) -> Iterator[Check]:
    """Check whether an NVIDIA driver answers; without one the model runs on the CPU."""
    listing = shutil.which("nvidia-smi")
    if not listing or not ctypes.util.find_library("cuda"):
        yield Check("GPU", "note", "No NVIDIA GPU was found; models run on the CPU.")
        return
    try:
        output = subprocess.run(
            [listing, "-L"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        sentence = (
            "nvidia-smi does not respond; if the model cannot use it, set PATHVIEWER_DEVICE=cpu."
        )
        yield Check("GPU", "note", sentence)
        return
    names = "; ".join(output.stdout.split("\n")).strip("; ")
    verdict = "ok" if output.returncode == 0 else "note"
    yield Check("GPU", verdict, names or f"nvidia-smi failed: {output.stderr.strip()}.")
