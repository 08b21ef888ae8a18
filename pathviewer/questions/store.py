"""Readings in the database and the files beside it.

Pictures and attention are written before their rows, in files named by what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from sqlalchemy.orm import Session

from models.messages import End, Started
from models.reasoning.trace import parse
from pathviewer import __version__
from pathviewer.attention.archive import MEDIA_TYPE, KeptAttention, packed, unpacked
from pathviewer.attention.map_json import SeenCompletion
from pathviewer.questions.blinding import handed_out
from pathviewer.questions.errors import ReadingNotFound, ReadingRefused
from pathviewer.questions.request import Asked
from pathviewer.questions.snapshot import WholeReading
from storage import audit
from storage.blobs import BlobStore, keep_blob
from storage.database import Database
from storage.errors import BlobError, ConflictError, RecordNotFoundError
from storage.questions import store
from storage.questions.records import (
    CompletionRecord,
    DeletionCheckRecord,
    NewCompletion,
    NewDeletionCheck,
    ReadingRecord,
    StartedReading,
)


class KeptReadings:
    """Writes readings down as they come about, and finds them again. Every method may be called
    from any thread and raises StorageError when the database or the disk fails."""

    def __init__(self, database: Database, blobs: BlobStore, writer: str) -> None:
        """`writer` is this program by a name that it has again when it is started again."""
        self._database = database
        self._blobs = blobs
        self._writer = writer

    def recover(self) -> int:
        """End what a former run left running; how many readings that were."""
        with self._database.session() as session:
            return store.fail_running(session, self._writer)

    def add(self, asked: Asked) -> ReadingRecord:
        """Keep a question and its picture, and who asked, in the audit log."""
        self._blobs.put(asked.picture)
        with self._database.session() as session:
            keep_blob(session, self._blobs, asked.picture, "pixels", "image/png")
            record = store.add_reading(session, replace(asked.new, writer=self._writer))
            detail = {"slide": record.slide_id, "model": record.model, "count": record.count}
            audit.record(session, record.account_id, "ask", record.id, detail)
        return record

    def viewed(self, record: ReadingRecord, account_id: str) -> None:
        """Keep that somebody opened a reading that another account asked."""
        with self._database.session() as session:
            audit.record(session, account_id, "view_reading", record.id, {"slide": record.slide_id})

    def start(self, reading_id: str, event: Started) -> StartedReading:
        """Keep what the model made of the question."""
        started = started_reading(event)
        with self._database.session() as session:
            store.start_reading(session, reading_id, started)
        return started

    def complete(self, reading_id: str, event: End) -> CompletionRecord:
        """Keep an answer; on return it is committed."""
        new = new_completion(event)
        with self._database.session() as session:
            return store.add_completion(session, reading_id, new)

    def look(self, completion_id: str, attention: KeptAttention) -> str:
        """Keep where an answer looked; the file's SHA-256."""
        archive = packed(attention)
        self._blobs.put(archive)
        with self._database.session() as session:
            sha256 = keep_blob(session, self._blobs, archive, "attention", MEDIA_TYPE)
            store.set_attention(session, completion_id, sha256)
        return sha256

    def add_whole(
        self,
        asked: Asked,
        started: Started,
        answers: Sequence[tuple[End, KeptAttention | None]],
        then: Callable[[Session, str], None],
    ) -> None:
        """Keep a question with all its answers at once, or nothing of it; `then` is done with the
        reading's id in the same transaction."""
        archives = [None if look is None else packed(look) for _, look in answers]
        for data in (asked.picture, *(each for each in archives if each is not None)):
            self._blobs.put(data)
        with self._database.session() as session:
            keep_blob(session, self._blobs, asked.picture, "pixels", "image/png")
            reading = store.add_reading(session, asked.new)
            store.start_reading(session, reading.id, started_reading(started))
            for (end, _), archive in zip(answers, archives, strict=True):
                made = store.add_completion(session, reading.id, new_completion(end))
                if archive is not None:
                    sha256 = keep_blob(session, self._blobs, archive, "attention", MEDIA_TYPE)
                    store.set_attention(session, made.id, sha256)
            store.end_reading(session, reading.id, "done")
            then(session, reading.id)

    def handed_out(self, reading_id: str, account_id: str, *, judges_all: bool) -> bool:
        """Whether a worklist gave the reading to this account; raises ReadingRefused while its
        own answer comes first (see `handed_out.handed_out`)."""
        with self._database.reading() as session:
            return handed_out(session, reading_id, account_id, judges_all=judges_all)

    def end(self, reading_id: str, state: str, failure: str | None) -> ReadingRecord:
        """Say that nothing follows."""
        with self._database.session() as session:
            return store.end_reading(session, reading_id, state, failure)

    def freeze(self, reading_id: str, answer: str, confidence: int | None) -> ReadingRecord:
        """Keep the clinician's own answer; raises ReadingRefused where there is one already."""
        try:
            with self._database.session() as session:
                return store.freeze_first_answer(session, reading_id, answer, confidence)
        except ConflictError as error:
            raise ReadingRefused(str(error), 409) from error

    def check(
        self, completion_id: str, account_id: str, new: NewDeletionCheck
    ) -> DeletionCheckRecord:
        """Keep what a deletion check found."""
        with self._database.session() as session:
            return store.add_deletion_check(session, completion_id, account_id, new)

    def find(self, reading_id: str) -> WholeReading:
        """One reading; raises ReadingNotFound."""
        try:
            with self._database.reading() as session:
                return _whole(session, [store.find_reading(session, reading_id)])[0]
        except RecordNotFoundError as error:
            raise ReadingNotFound("There is no such reading.") from error

    def checks(self, completion_ids: Sequence[str]) -> tuple[DeletionCheckRecord, ...]:
        """The deletion checks of some answers, the oldest first."""
        with self._database.reading() as session:
            return tuple(store.list_deletion_checks(session, completion_ids))

    def rows(
        self, account_id: str, slide_id: str | None, before: str | None, limit: int
    ) -> list[WholeReading]:
        """An account's readings, of one slide or of all, the newest first.

        `before` is the id of the last reading of the page before; raises ReadingNotFound for one
        that is not there.
        """
        try:
            with self._database.reading() as session:
                found = store.list_readings(
                    session, account_id, slide_id=slide_id, before=before, limit=limit
                )
                return _whole(session, found)
        except RecordNotFoundError as error:
            raise ReadingNotFound("There is no reading to go on from; load anew.") from error

    def picture(self, record: ReadingRecord) -> bytes:
        """The very picture that the model saw; raises ReadingNotFound where it was removed."""
        return self._file(record.pixels_sha256, "The picture of this reading")

    def attention(self, completion: CompletionRecord) -> KeptAttention:
        """Where an answer looked; raises ReadingNotFound, ModelError for a damaged file."""
        if completion.attention_sha256 is None:
            raise ReadingNotFound("There are no maps of this answer, or not any more.")
        return unpacked(self._file(completion.attention_sha256, "Where this answer looked"))

    def seen(self, whole: WholeReading, index: int) -> SeenCompletion:
        """Where an answer looked; raises ReadingNotFound, ModelError for a damaged file."""
        completion, place = whole.completion(index), whole.placement
        if place is None:
            raise ReadingNotFound("There are no maps of this answer.")
        ends = tuple(completion.token_ends)
        return SeenCompletion(completion.text, ends, place, self.attention(completion))

    def _file(self, sha256: str, what: str) -> bytes:
        try:
            return self._blobs.get(sha256)
        except BlobError as error:
            raise ReadingNotFound(f"{what} cannot be shown. {error}") from error


def started_reading(event: Started) -> StartedReading:
    """What is kept of how the model took the question; of the first picture."""
    place, info = event.placements[0], asdict(event.model)
    del info["name"], info["revision"]
    info["versions"] = {**info["versions"], "pathviewer": __version__}
    return StartedReading(
        pixel_width=place.pixel_width,
        pixel_height=place.pixel_height,
        columns=place.columns,
        rows=place.rows,
        prompt_tokens=event.prompt_tokens,
        model_revision=event.model.revision,
        model_info=info,
    )


def new_completion(event: End) -> NewCompletion:
    """What is kept of an answer."""
    completion = event.completion
    trace = parse(completion.text)
    return NewCompletion(
        index=event.completion_index,
        text=completion.text.replace("\0", "\ufffd"),  # PostgreSQL keeps no NUL
        token_ids=list(completion.token_ids),
        token_ends=list(completion.token_ends),
        finish=completion.finish,
        answer=trace.answer,
        well_formed=trace.well_formed,
        seconds=event.seconds,
        first_token_seconds=event.first_token_seconds,
    )


def _whole(session: Session, found: Sequence[ReadingRecord]) -> list[WholeReading]:
    """Readings with their answers and checks."""
    completions = store.list_completions(session, [one.id for one in found])
    checks = store.list_deletion_checks(session, [one.id for one in completions])
    made = []
    for one in found:
        own = tuple(each for each in completions if each.reading_id == one.id)
        ids = {each.id for each in own}
        made.append(
            WholeReading(one, own, tuple(each for each in checks if each.completion_id in ids))
        )
    return made
