"""Store of questions: database rows, and picture and attention files.

Files are named by their content and written before their rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from sqlalchemy.orm import Session

from models.messages import CompletionEnd, GenerationStart
from models.reasoning.trace import parse
from pathviewer import __version__
from pathviewer.attention.archive import (
    MEDIA_TYPE,
    StoredAttention,
    pack_attention,
    unpack_attention,
)
from pathviewer.attention.map_json import CompletionAttention
from pathviewer.evidence.archive import StoredEvidence, pack_evidence, unpack_evidence
from pathviewer.evidence.evidence_json import CompletionEvidence
from pathviewer.questions import user_messages
from pathviewer.questions.errors import QuestionConflict, QuestionNotFound
from pathviewer.questions.preparation import PreparedQuestion
from pathviewer.questions.snapshot import QuestionSnapshot
from storage import audit
from storage.blinding.policy import Viewer
from storage.blinding.state import QuestionState, load_question_state
from storage.blobs import BlobStore, store_blob
from storage.database import Database
from storage.errors import BlobError, ConflictError, RecordNotFoundError
from storage.questions import store
from storage.questions.records import (
    CompletionRecord,
    DeletionCheckRecord,
    NewCompletion,
    NewDeletionCheck,
    QuestionRecord,
    QuestionStart,
)


class QuestionStore:
    """Writes and reads questions; thread-safe.

    Every method raises StorageError if the database or the disk fails.
    """

    def __init__(self, database: Database, blobs: BlobStore, writer: str) -> None:
        """`writer` names this installation's process; the name stays the same after a restart."""
        self._database = database
        self._blobs = blobs
        self._writer = writer

    def recover(self) -> int:
        """Mark questions that this writer left running as failed; return their number."""
        with self._database.session() as session:
            return store.fail_interrupted(session, self._writer)

    def add(self, question: PreparedQuestion) -> QuestionRecord:
        """Store a question and its picture, with an audit entry for the asking account."""
        self._blobs.put(question.picture)
        with self._database.session() as session:
            store_blob(session, self._blobs, question.picture, "pixels", "image/png")
            record = store.add_question(
                session, replace(question.new_question, writer=self._writer)
            )
            detail = {"slide": record.slide_id, "model": record.model, "count": record.count}
            audit.add_entry(session, record.account_id, "ask", record.id, detail)
        return record

    def record_view(self, record: QuestionRecord, account_id: str) -> None:
        """Write an audit entry: the account opened another account's question."""
        with self._database.session() as session:
            audit.add_entry(
                session, account_id, "view_reading", record.id, {"slide": record.slide_id}
            )

    def start(self, question_id: str, event: GenerationStart) -> QuestionStart:
        """Store the start of the generation."""
        started = describe_start(event)
        with self._database.session() as session:
            store.start_question(session, question_id, started)
        return started

    def add_completion(self, question_id: str, event: CompletionEnd) -> CompletionRecord:
        """Store a completion; it is committed on return."""
        new = describe_completion(event)
        with self._database.session() as session:
            return store.add_completion(session, question_id, new)

    def save_attention(self, completion_id: str, attention: StoredAttention) -> str:
        """Store a completion's attention; return the file's SHA-256."""
        archive = pack_attention(attention)
        self._blobs.put(archive)
        with self._database.session() as session:
            sha256 = store_blob(session, self._blobs, archive, "attention", MEDIA_TYPE)
            store.set_attention(session, completion_id, sha256)
        return sha256

    def save_evidence(self, completion_id: str, evidence: StoredEvidence) -> None:
        """Store a completion's evidence; raises QuestionNotFound if it was withdrawn meanwhile."""
        archive = pack_evidence(evidence)
        with self._database.session() as session:
            try:  # before the file is written, which nothing would remove
                store.find_completion(session, completion_id)
            except RecordNotFoundError as error:
                raise QuestionNotFound(user_messages.NO_QUESTION) from error
            sha256 = store_blob(session, self._blobs, archive, "evidence", MEDIA_TYPE)
            store.set_evidence(session, completion_id, sha256)

    def add_with_completions(
        self,
        question: PreparedQuestion,
        started: GenerationStart,
        answers: Sequence[tuple[CompletionEnd, StoredAttention | None]],
        on_added: Callable[[Session, str], None],
    ) -> None:
        """Store a question with all its completions in one transaction.

        `on_added` is called in it with the session and the question's id.
        """
        archives = [
            None if attention is None else pack_attention(attention) for _, attention in answers
        ]
        for data in (question.picture, *(each for each in archives if each is not None)):
            self._blobs.put(data)
        with self._database.session() as session:
            store_blob(session, self._blobs, question.picture, "pixels", "image/png")
            record = store.add_question(session, question.new_question)
            store.start_question(session, record.id, describe_start(started))
            for (end, _), archive in zip(answers, archives, strict=True):
                completion = store.add_completion(session, record.id, describe_completion(end))
                if archive is not None:
                    sha256 = store_blob(session, self._blobs, archive, "attention", MEDIA_TYPE)
                    store.set_attention(session, completion.id, sha256)
            store.end_question(session, record.id, "done")
            on_added(session, record.id)

    def load_state(self, question_id: str, viewer: Viewer) -> QuestionState:
        """Return a viewer's state of a stored question, for the policy of blinding.

        Raises QuestionNotFound.
        """
        try:
            with self._database.read_only() as session:
                return load_question_state(session, question_id, viewer)
        except RecordNotFoundError as error:
            raise QuestionNotFound(user_messages.NO_QUESTION) from error

    def end(self, question_id: str, state: str, failure: str | None) -> QuestionRecord:
        """Store the final state of a question."""
        with self._database.session() as session:
            return store.end_question(session, question_id, state, failure)

    def save_first_answer(
        self, question_id: str, answer: str, confidence: int | None
    ) -> QuestionRecord:
        """Store the first answer. Raises QuestionRefused if there is one already."""
        try:
            with self._database.session() as session:
                return store.freeze_first_answer(session, question_id, answer, confidence)
        except ConflictError as error:
            raise QuestionConflict(str(error)) from error

    def add_deletion_check(
        self, completion_id: str, account_id: str, new: NewDeletionCheck
    ) -> DeletionCheckRecord:
        """Store a deletion check."""
        with self._database.session() as session:
            return store.add_deletion_check(session, completion_id, account_id, new)

    def find(self, question_id: str) -> QuestionSnapshot:
        """Return a question's snapshot. Raises QuestionNotFound."""
        try:
            with self._database.read_only() as session:
                return _build_snapshots(session, [store.find_question(session, question_id)])[0]
        except RecordNotFoundError as error:
            raise QuestionNotFound(user_messages.NO_QUESTION) from error

    def list_deletion_checks(
        self, completion_ids: Sequence[str]
    ) -> tuple[DeletionCheckRecord, ...]:
        """Return the deletion checks of some completions, oldest first."""
        with self._database.read_only() as session:
            return tuple(store.list_deletion_checks(session, completion_ids))

    def list_snapshots(
        self, account_id: str, slide_id: str | None, before: str | None, limit: int
    ) -> list[QuestionSnapshot]:
        """Return an account's questions on one slide (None: on all), newest first.

        `before` is the id of the previous page's last question. Raises QuestionNotFound if that
        question does not exist.
        """
        try:
            with self._database.read_only() as session:
                records = store.list_questions(
                    session, account_id, slide_id=slide_id, before=before, limit=limit
                )
                return _build_snapshots(session, records)
        except RecordNotFoundError as error:
            raise QuestionNotFound(user_messages.PAGE_QUESTION_MISSING) from error

    def load_picture(self, record: QuestionRecord) -> bytes:
        """Return the PNG that the model saw. Raises QuestionNotFound if it was removed."""
        return self._read_blob(record.pixels_sha256, user_messages.picture_unavailable)

    def load_attention(self, completion: CompletionRecord) -> StoredAttention:
        """Return a completion's attention.

        Raises QuestionNotFound, and ModelError for a damaged file.
        """
        if completion.attention_sha256 is None:
            raise QuestionNotFound(user_messages.MAPS_REMOVED)
        return unpack_attention(
            self._read_blob(completion.attention_sha256, user_messages.attention_unavailable)
        )

    def find_attention(self, snapshot: QuestionSnapshot, index: int) -> CompletionAttention:
        """Return the attention of a snapshot's completion.

        Raises QuestionNotFound, and ModelError for a damaged file.
        """
        completion, placement = snapshot.find_completion(index), snapshot.placement
        if placement is None:
            raise QuestionNotFound(user_messages.NO_MAPS)
        ends = tuple(completion.token_ends)
        return CompletionAttention(
            completion.text, ends, placement, self.load_attention(completion)
        )

    def find_evidence(self, snapshot: QuestionSnapshot, index: int) -> CompletionEvidence | None:
        """Return the evidence of a snapshot's completion; None if it was not found yet.

        Raises QuestionNotFound, and ModelError for a damaged file.
        """
        completion, placement = snapshot.find_completion(index), snapshot.placement
        if placement is None:
            raise QuestionNotFound(user_messages.NO_MAPS)
        if completion.evidence_sha256 is None:
            return None
        archive = self._read_blob(completion.evidence_sha256, user_messages.evidence_unavailable)
        ends = tuple(completion.token_ends)
        return CompletionEvidence(completion.text, ends, placement, unpack_evidence(archive))

    def _read_blob(self, sha256: str, failure: Callable[[str], str]) -> bytes:
        try:
            return self._blobs.get(sha256)
        except BlobError as error:
            raise QuestionNotFound(failure(str(error))) from error


def describe_start(event: GenerationStart) -> QuestionStart:
    """Return the stored values of a generation's start, with the first picture's placement."""
    placement, info = event.placements[0], asdict(event.model)
    del info["name"], info["revision"]
    info["versions"] = {**info["versions"], "pathviewer": __version__}
    return QuestionStart(
        pixel_width=placement.pixel_width,
        pixel_height=placement.pixel_height,
        columns=placement.columns,
        rows=placement.rows,
        prompt_tokens=event.prompt_tokens,
        model_revision=event.model.revision,
        model_info=info,
    )


def describe_completion(event: CompletionEnd) -> NewCompletion:
    """Return the stored values of a completion."""
    completion = event.completion
    trace = parse(completion.text)
    logprobs = completion.token_logprobs
    finite = logprobs is not None and all(map(math.isfinite, logprobs))
    return NewCompletion(
        index=event.completion_index,
        text=completion.text.replace("\0", "\ufffd"),  # PostgreSQL rejects NUL
        token_ids=list(completion.token_ids),
        token_ends=list(completion.token_ends),
        # JSON has no NaN, which broken weights give
        token_logprobs=list(logprobs or ()) if finite else None,
        finish=completion.finish,
        answer=trace.answer,
        well_formed=trace.well_formed,
        seconds=event.seconds,
        first_token_seconds=event.first_token_seconds,
    )


def _build_snapshots(session: Session, records: Sequence[QuestionRecord]) -> list[QuestionSnapshot]:
    """Return the records with their completions and checks."""
    completions = store.list_completions(session, [one.id for one in records])
    checks = store.list_deletion_checks(session, [one.id for one in completions])
    snapshots = []
    for record in records:
        own_completions = tuple(each for each in completions if each.question_id == record.id)
        ids = {each.id for each in own_completions}
        snapshots.append(
            QuestionSnapshot(
                record, own_completions, tuple(each for each in checks if each.completion_id in ids)
            )
        )
    return snapshots
