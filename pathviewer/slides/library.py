"""Library of the slides in the configured folders, updated while the program runs."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathviewer.slides import user_messages
from pathviewer.slides.colour_profile import ColourProfile
from pathviewer.slides.errors import SlideGone, SlideNotFound
from pathviewer.slides.file_groups import DicomIndex
from pathviewer.slides.folder_watch import watch_folders
from pathviewer.slides.geometry import Region
from pathviewer.slides.intake import Intake, ListedSlide
from pathviewer.slides.intake_opener import DirectOpener, Opener
from pathviewer.slides.scale import EnteredScale, PixelSize, SlideScale
from pathviewer.slides.slide_facts import SlideFacts
from pathviewer.slides.slide_folders import RejectedFile, SlideFolders
from pathviewer.slides.slide_identity import LabelState, SlideIdentity, label_state, scale_words
from pathviewer.slides.slide_names import file_name_of
from pathviewer.slides.slide_pool import SlideFile
from storage.cases.store import list_cases
from storage.database import Database
from storage.errors import StorageError
from storage.names import normalize_name
from storage.slides.scales import ScaleRecord, list_current_scales
from storage.slides.store import SlideRecord, list_slide_records

START_PATIENCE_SECONDS = 2.0
"""Time that a start waits for the first scan."""

STOP_PATIENCE_SECONDS = 5.0
"""Time that a stop waits for a scan, because a folder may hang."""

SHOW_SECONDS = 0.5
"""Interval at which a long scan publishes its results so far."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LibraryEntry:
    """A slide that can be opened, with the data that people entered."""

    id: str
    """Opaque; stays with the file if it is moved or renamed."""

    name: str
    """Displayed name: the alias, or the file's name if the settings show names."""

    alias: str
    """Name given by a person, or `Slide 7`."""

    file: SlideFile
    """File for the slide pool; never leaves the server."""

    facts: SlideFacts
    """Facts stated in the file."""

    entered: EnteredScale | None
    """Scale that a person entered, `None` if there is none or it was withdrawn."""

    case: str | None
    """Name of its case; `None` if unknown, or if the settings show no names."""

    stain: str | None
    """Such as H&E, `None` if unknown."""

    label: LabelState
    """Whether the file holds a label, and whether it is shown."""

    @property
    def identity(self) -> SlideIdentity:
        """Data by which a person identifies the slide."""
        scale = scale_words(self.scale)
        return SlideIdentity(self.alias, self.name, self.case, self.stain, scale, self.label)

    @property
    def scale(self) -> SlideScale:
        """Scale in use and its source."""
        return SlideScale(self.facts.claim, self.entered)

    @property
    def pixel_size(self) -> PixelSize | None:
        """Size of a level-0 pixel in microns, `None` if unknown."""
        return self.scale.size

    @property
    def mpp(self) -> float | None:
        """Microns per level-0 pixel along both axes; `None` if unknown or pixels are oblong."""
        size = self.pixel_size
        return None if size is None else size.mpp

    @property
    def mpp_by_hand(self) -> bool:
        """Whether the scale in use was entered by a person."""
        return self.scale.source == "entered"

    @property
    def width(self) -> int:
        """Width of level 0, in pixels."""
        return self.facts.width

    @property
    def height(self) -> int:
        """Height of level 0, in pixels."""
        return self.facts.height

    @property
    def objective_power(self) -> float | None:
        """Magnification of the scan, `None` if the file states no plausible one."""
        return self.facts.claim.objective_power

    @property
    def vendor(self) -> str:
        """OpenSlide's name of the format."""
        return self.facts.vendor

    @property
    def level_count(self) -> int:
        """Number of levels in the file."""
        return self.facts.level_count

    @property
    def quickhash(self) -> str | None:
        """OpenSlide's fingerprint, `None` if the format has none."""
        return self.facts.quickhash

    @property
    def pixel_note(self) -> str | None:
        """How the pixels differ from 8-bit colour, `None` if they do not."""
        return self.facts.pixel_note

    @property
    def bounds(self) -> Region | None:
        """The scanned part, `None` if the file does not state it."""
        return self.facts.bounds

    @property
    def background(self) -> tuple[int, int, int]:
        """(red, green, blue) of areas that were not scanned."""
        return self.facts.background

    @property
    def colour_profile(self) -> ColourProfile | None:
        """The file's colour profile, `None` if it has none."""
        return self.facts.colour_profile


@dataclass(frozen=True)
class _Snapshot:
    """Immutable view for readers; replaced as a whole."""

    entries: dict[str, LibraryEntry]
    """By id, in the order of their names."""

    by_path: dict[Path, str]
    """Slide ids by all files of the slides."""

    aliases: dict[str, str]
    """Aliases by the id of every slide ever seen."""

    away: frozenset[str] = frozenset()
    """Ids of slides whose folder cannot be read now."""

    rejected: tuple[RejectedFile, ...] = ()
    """Files in the folders that are not shown as slides."""


class SlideLibrary:
    """Lists and finds slides; thread-safe."""

    def __init__(
        self,
        folders: Sequence[Path],
        database: Database,
        *,
        show_file_names: bool = False,
        show_labels: bool = False,
        uploads: Path | None = None,
        demo: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        opener: Opener | None = None,
    ) -> None:
        """Set the folders, which are scanned with their subfolders.

        `show_file_names` shows names of files and cases, `show_labels` label images. `uploads` and
        `demo` are the folders of uploads and of the demo slide. `clock` counts seconds for retries
        of files that cannot be opened. `opener` opens files; the default, in this process, is for
        commands.
        """
        self._folders = tuple(folders)
        self._database = database
        self._show_file_names = show_file_names
        self._show_labels = show_labels
        opener = opener or DirectOpener()
        named = SlideFolders(self._folders, show_file_names, uploads, demo, DicomIndex(opener))
        self._intake = Intake(named, database, clock, opener)
        self._snapshot = _Snapshot({}, {}, {})
        self._scanning = threading.Lock()
        self._publishing = threading.Lock()
        self._stopping = threading.Event()
        self._scanned = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def shows_names(self) -> bool:
        """Whether the settings show names of files and cases."""
        return self._show_file_names

    def start(self) -> None:
        """Scan the folders and watch them in a thread.

        Returns after the first scan, or after two seconds while it continues.
        """
        self._stopping.clear()
        self._scanned.clear()
        self._thread = threading.Thread(target=self._run, name="slide-library", daemon=True)
        self._thread.start()
        self._scanned.wait(START_PATIENCE_SECONDS)

    def stop(self) -> None:
        """Stop watching; the last snapshot stays readable.

        Waits at most STOP_PATIENCE_SECONDS for a folder that hangs.
        """
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_PATIENCE_SECONDS)
            self._thread = None

    def rescan(self) -> None:
        """Scan the folders now. Raises StorageError if the database fails."""
        with self._scanning:
            shown_at = time.monotonic()
            for _ in self._intake.scan(self._stopping):
                if time.monotonic() - shown_at > SHOW_SECONDS:
                    self.refresh()
                    shown_at = time.monotonic()
            self.refresh()

    def add(self, path: Path) -> LibraryEntry | None:
        """Register one file at once, even during a scan.

        `None` if it cannot be listed. Raises StorageError, or OSError if it cannot be read.
        """
        self._intake.register_file(path)
        self.refresh()
        return self.find_by_path(path)

    def refresh(self) -> None:
        """Read aliases and entered scales from the database; opens no slide."""
        with self._publishing:
            with self._database.read_only() as session:
                records = {record.id: record for record in list_slide_records(session)}
                scales = list_current_scales(session)
                cases = {case.id: case.name for case in list_cases(session)}
            self._snapshot = self._snapshot_of(records, scales, cases)

    def slides(self) -> tuple[LibraryEntry, ...]:
        """Return slides that can be opened, sorted by name."""
        return tuple(self._snapshot.entries.values())

    def list_rejected(self) -> tuple[RejectedFile, ...]:
        """Return files that cannot be shown, with the reasons."""
        return self._snapshot.rejected

    def entry(self, slide_id: str) -> LibraryEntry:
        """Return one slide. Raises SlideNotFound, or SlideGone if it existed once."""
        snapshot = self._snapshot
        entry = snapshot.entries.get(slide_id)
        if entry is not None:
            return entry
        alias = snapshot.aliases.get(slide_id)
        if alias is None:
            raise SlideNotFound(user_messages.no_such_slide(slide_id))
        if slide_id in snapshot.away:
            raise SlideGone(user_messages.slide_folder_away(alias))
        raise SlideGone(user_messages.slide_no_longer_there(alias))

    def name_of(self, slide_id: str) -> str:
        """Return the name of a slide, even of one that no longer exists."""
        snapshot = self._snapshot
        entry = snapshot.entries.get(slide_id)
        return (
            entry.name
            if entry
            else snapshot.aliases.get(slide_id, user_messages.NAME_OF_SLIDE_GONE)
        )

    def locate(self, slide_id: str) -> SlideFile:
        """Return the file of a slide. Raises SlideNotFound, or SlideGone if it existed once."""
        return self.entry(slide_id).file

    def find_by_path(self, path: Path) -> LibraryEntry | None:
        """Return the slide that a file belongs to, `None` if there is none."""
        snapshot = self._snapshot
        slide_id = snapshot.by_path.get(path.resolve())
        return None if slide_id is None else snapshot.entries[slide_id]

    def _run(self) -> None:
        self._rescan_or_log()
        self._scanned.set()
        for _ in watch_folders(self._folders, self._stopping):
            self._rescan_or_log()

    def _rescan_or_log(self) -> None:
        try:
            self.rescan()
        except StorageError as error:
            _log.warning("The slide folders could not be scanned: %s", error)
        except OSError as error:
            # without its path; the next scan may succeed
            _log.warning("The slide folders could not be scanned: %s.", error.strerror)

    def _snapshot_of(
        self,
        records: dict[str, SlideRecord],
        scales: dict[str, ScaleRecord],
        cases: dict[str, str],
    ) -> _Snapshot:
        slides = self._intake.list_slides()
        entries = [
            self._entry_of(slide, records[slide.id], scales.get(slide.id), cases)
            for slide in slides
            if slide.id in records
        ]
        entries.sort(key=lambda entry: (_natural(entry.name), entry.id))
        return _Snapshot(
            {entry.id: entry for entry in entries},
            {path: slide.id for slide in slides for path in slide.paths if slide.id in records},
            {record.id: record.alias for record in records.values()},
            self._intake.away(),
            self._intake.list_rejected(),
        )

    def _entry_of(
        self,
        slide: ListedSlide,
        record: SlideRecord,
        scale: ScaleRecord | None,
        cases: dict[str, str],
    ) -> LibraryEntry:
        path = slide.paths[0]
        name = file_name_of(record) if self._show_file_names else record.alias
        return LibraryEntry(
            id=slide.id,
            name=name,
            alias=record.alias,
            file=SlideFile(slide.id, path, name, slide.folder),
            facts=slide.facts,
            entered=None if scale is None else _entered(scale),
            case=cases.get(record.case_id or "") if self._show_file_names else None,
            stain=record.stain,
            label=label_state(slide.facts.label, is_shown=self._show_labels),
        )


def _entered(record: ScaleRecord) -> EnteredScale | None:
    """Return the scale that a person entered, `None` if they withdrew it."""
    if record.mpp_x is None or record.mpp_y is None:
        return None
    size = PixelSize(record.mpp_x, record.mpp_y)
    return EnteredScale(size, record.account_name, record.entered_at, record.line is not None)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts `Slide 2` before `Slide 10`."""
    parts = re.findall(r"\d+|\D+", normalize_name(name).casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
