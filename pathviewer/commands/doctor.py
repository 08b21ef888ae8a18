"""`doctor`: could the program run here? Each check ends in a sentence and a way out."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from models.messages import ModelInfo
from pathviewer.auth.access import Access, AccessError
from pathviewer.common.plural import format_count
from pathviewer.operations.state_privacy import (
    close_state,
    hide_upload_name,
    named_uploads,
    privacy_sentence,
)
from pathviewer.questions.engine import EngineService
from pathviewer.questions.engine import log as engine_log
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

MODEL_SECONDS = 300.0
"""A model that has not loaded after this long is reported as it is then."""


@dataclass(frozen=True)
class Check:
    """What one look at the machine found."""

    subject: str
    """What was looked at."""
    verdict: str
    """`ok`, `note` (runs without it) or `problem` (could not run, or has lost something)."""
    sentence: str
    """What was found, and the way out if something is wrong."""

    @property
    def fatal(self) -> bool:
        """Whether the program could not run, or something that was kept is lost."""
        return self.verdict == "problem"

    def as_dict(self) -> dict[str, Any]:
        """The check as JSON values."""
        return asdict(self)


def examine(settings: Settings, *, fix: bool = False) -> list[Check]:
    """Run every check; none of them raises. With `fix`, mend first what can be mended."""
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
        address,
        model,
        gpu,
    ]
    return [result for check in checks for result in check(settings)]


def slide_libraries(_: Settings) -> Iterator[Check]:
    """OpenSlide and the JPEG library can be loaded."""
    try:
        import openslide
        import simplejpeg
    except (ImportError, OSError) as error:
        sentence = f"They cannot be loaded ({error}); pip install -r requirements.txt brings them."
        yield Check("slide libraries", "problem", sentence)
        return
    yield Check(
        "slide libraries",
        "ok",
        f"OpenSlide {openslide.__library_version__} and simplejpeg {simplejpeg.__version__} load.",
    )


def slide_readers(settings: Settings) -> Iterator[Check]:
    """Reader processes start, and what the system holds them to."""
    readers = ReaderPool(settings, folders=(*settings.slides, settings.demo, settings.uploads))
    try:
        readers.submit(Urgency.view, "", settings.data, "", check_ready).result()
    except SlideError as error:
        sentence = f"They cannot be started ({error}); no slide can be shown without them."
        yield Check("slide readers", "problem", sentence)
        return
    finally:
        readers.close()
    version = landlock_version()
    limits = (
        f"{settings.readers} processes read slides, each with at most "
        f"{settings.reader_memory_mib} MiB and {settings.reader_seconds:g} s for a call."
    )
    confined = "They read the slide folders alone and write nothing (Landlock)."
    if version >= TCP_VERSION:
        confined = (
            "They read the slide folders alone, write nothing and connect to nothing (Landlock)."
        )
    if version:
        yield Check("slide readers", "ok", f"{limits} {confined}")
    else:
        sentence = (
            f"{limits} This system has no Landlock (Linux 5.13 and later), so they may read every "
            "file that the program may read."
        )
        yield Check("slide readers", "note", sentence)


def slides_that_ended_readers(settings: Settings) -> Iterator[Check]:
    """Files that are not opened, since they ended the reader that opened them."""
    for fault in load_faults(settings.reader_faults):
        what = "took too long to read" if fault.reason == "slow" else "ended its reader"
        when = datetime.fromtimestamp(fault.happened_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        sentence = (
            f"{fault.path} {what}, last on {when}; it is not opened"
            f"{' for a while' if fault.reason == 'slow' else ''}. Copy it again or scan again; to "
            f"have it tried again, remove {settings.reader_faults}."
        )
        yield Check("slides", "note", sentence)


def slide_folders(settings: Settings) -> Iterator[Check]:
    """Each configured folder is there and can be read."""
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
    """The state folder can be written."""
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
    """Nobody else on this machine may read the state, and no file is named after a patient."""
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
            "the file names that their senders gave, which may name patients: `doctor --fix` moves "
            "them to files with opaque names."
        )
        yield Check("privacy", "note", sentence)


def mend_privacy(settings: Settings) -> Iterator[Check]:
    """Close the state to others and give uploads of earlier versions opaque names."""
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
        yield Check("privacy", "note", f"Not everything could be mended: {why}.")


def assets(settings: Settings) -> Iterator[Check]:
    """The viewer's JavaScript is there, or can be installed now."""
    try:
        ensure_assets(settings.assets)
    except (AssetsError, OSError) as error:
        yield Check("front-end assets", "problem", str(error))
    else:
        yield Check("front-end assets", "ok", f"The viewer's JavaScript is in {settings.assets}.")


def database(settings: Settings) -> Iterator[Check]:
    """The database opens at this program's revision, and the address is safe with its accounts."""
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
        yield Check("access", "ok", f"{settings.host} may be listened on with these settings.")
    finally:
        opened.close()


def stored_blobs(settings: Settings) -> Iterator[Check]:
    """Every picture and attention file that the database speaks of is there and hashes right."""
    store = BlobStore(settings.blobs)
    try:
        opened = open_database(settings.database)
    except (StorageError, OSError):
        return  # which the check before has said
    try:
        with opened.read_only() as session:
            blobs = list_blobs(session)
        conditions = Counter(store.check(blob.sha256) for blob in blobs)
    except (StorageError, OSError) as error:
        yield Check("kept files", "problem", f"They cannot be read: {error}.")
        return
    finally:
        opened.close()
    missing, damaged = conditions["missing"], conditions["damaged"]
    if missing or damaged:
        sentence = (
            f"Of {len(blobs)} pictures and attention files {missing} are missing and {damaged} "
            f"damaged; put them back from a backup into {settings.blobs}."
        )
        yield Check("kept files", "problem", sentence)
    else:
        mib = sum(blob.byte_count for blob in blobs) / 2**20
        sentence = f"All {len(blobs)} pictures and attention files are whole, {mib:.1f} MiB."
        yield Check("kept files", "ok", sentence)
    yield from stray_files(store, {blob.sha256 for blob in blobs})


def stray_files(store: BlobStore, database_hashes: Set[str]) -> Iterator[Check]:
    """Files that a kill in the middle of writing leaves; the program does not look at them."""
    strays = set(store.list_names()) - database_hashes
    unfinished = store.list_unfinished()
    if strays or unfinished:
        sentence = (
            f"{len(strays)} files belong to nothing and {len(unfinished)} are half written: a "
            "program that was killed left them, or one that is running is at it. They do no harm."
        )
        yield Check("stray files", "note", sentence)


def retention(settings: Settings) -> Iterator[Check]:
    """How long questions and uploads are kept."""

    def period(days: int) -> str:
        return f"{format_count(days, 'day')}, longer where somebody judged" if days else "for ever"

    yield Check(
        "retention",
        "ok",
        f"Questions are kept {period(settings.keep_questions_days)}; uploaded slides "
        f"{period(settings.keep_uploads_days)}. PATHVIEWER_KEEP_QUESTIONS_DAYS and "
        "PATHVIEWER_KEEP_UPLOADS_DAYS say so.",
    )


def address(settings: Settings) -> Iterator[Check]:
    """The address can be listened on."""
    try:
        listen(settings).close()
    except ServeError as error:
        yield Check("address", "note", str(error))
    else:
        yield Check("address", "ok", f"{settings.host}:{settings.port} is free.")


def model(settings: Settings) -> Iterator[Check]:
    """The model can be loaded: it is, in a process of its own, and let go of again."""
    engine = EngineService(settings)
    started = time.monotonic()
    with silence_engine_log():
        engine.start()
        try:
            status = engine.wait_while_loading(MODEL_SECONDS)
        finally:
            engine.close()
    if status.state == "ready":
        took = f"Loading took {time.monotonic() - started:.1f} s."
        yield Check(
            "model", "ok", " ".join((status.sentence, *describe_loaded_model(status.info), took))
        )
    else:
        sentence = f"{status.sentence} Slides can be viewed and regions framed without it."
        yield Check("model", "note", sentence)


def describe_loaded_model(info: ModelInfo | None) -> Iterator[str]:
    """What is loaded, in a sentence."""
    if info is not None:
        kernel = f", attention by {info.attention}" if info.attention != "none" else ""
        yield f"It is {info.architecture}, revision {info.revision[:12]}{kernel}."


@contextmanager
def silence_engine_log() -> Iterator[None]:
    """Keep the engine from logging what the check says itself."""
    engine_log.addFilter(reject_record)
    try:
        yield
    finally:
        engine_log.removeFilter(reject_record)


def reject_record(_: object) -> bool:
    """Let no record pass."""
    return False


def gpu(_: Settings) -> Iterator[Check]:
    """Whether an NVIDIA driver answers; without one the model runs on the processor."""
    listing = shutil.which("nvidia-smi")
    if not listing or not ctypes.util.find_library("cuda"):
        yield Check("GPU", "note", "No NVIDIA GPU was found; models run on the processor.")
        return
    try:
        output = subprocess.run(
            [listing, "-L"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        sentence = (
            "nvidia-smi gives no answer; if the model cannot use it, set PATHVIEWER_DEVICE=cpu."
        )
        yield Check("GPU", "note", sentence)
        return
    names = "; ".join(output.stdout.split("\n")).strip("; ")
    verdict = "ok" if output.returncode == 0 else "note"
    yield Check("GPU", verdict, names or f"nvidia-smi failed: {output.stderr.strip()}.")
