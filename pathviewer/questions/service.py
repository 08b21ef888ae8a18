"""Service of questions: runs, one thread each, and stored questions."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager

from models.deletion_check import CheckMethod
from models.errors import CancelledError, ModelError
from models.messages import Event, ModelInfo
from models.registry import RegisteredModel
from models.user_messages import REQUEST_CANCELLED
from pathviewer.attention.map_json import CompletionAttention
from pathviewer.common.work_queue import AccountBounds, Slot, WorkKind
from pathviewer.evidence.archive import PlaceTest
from pathviewer.evidence.evidence_json import CompletionEvidence
from pathviewer.questions import user_messages
from pathviewer.questions.ask import CompletionResult, NeutralQuestionProgress, ask, cancel
from pathviewer.questions.deletion_check import check_attention_use
from pathviewer.questions.engine import EngineService
from pathviewer.questions.errors import QuestionConflict, QuestionNotFound, QuestionRefused
from pathviewer.questions.evidence import EvidenceQuestion, EvidenceSearch
from pathviewer.questions.preparation import PreparedQuestion
from pathviewer.questions.rerun import RunningModel
from pathviewer.questions.run import QuestionRun
from pathviewer.questions.snapshot import QuestionSnapshot
from pathviewer.questions.store import QuestionStore
from storage import user_messages as storage_messages
from storage.errors import StorageError
from storage.questions.records import DeletionCheckRecord

MOST_IN_MEMORY = 200
"""Maximum runs in memory; beyond it, the oldest ended run that awaits a first answer is dropped."""

LOCK_SECONDS = 0.5
"""Interval at which work that waits for its turn looks whether it was cancelled."""

log = logging.getLogger("pathviewer")


class QuestionService:
    """Asks, finds, stops and checks questions; thread-safe.

    Methods that read or write the database raise StorageError if the database or the disk fails.
    """

    def __init__(
        self,
        engine_service: EngineService,
        store: QuestionStore,
        bounds: AccountBounds | None = None,
    ) -> None:
        """`bounds` limits the questions in progress; None: no limit."""
        self.store = store
        self._engine_service = engine_service
        self._bounds = bounds or AccountBounds({})
        self._runs: dict[str, QuestionRun] = {}
        self._threads: set[threading.Thread] = set()
        self._closing = False
        self._lock = threading.Lock()
        self._evidence_lock = threading.Lock()

    def recover(self) -> None:
        """Mark questions that the previous process left running as failed."""
        try:
            count = self.store.recover()
        except StorageError as error:
            log.warning("Interrupted questions could not be marked as failed. %s", error)
        else:
            if count:
                log.info("Questions interrupted when the server last stopped: %d.", count)

    def close(self) -> None:
        """Announce the shutdown: runs that it cuts off fail with QUESTION_INTERRUPTED."""
        self._closing = True

    def join(self, seconds: float) -> None:
        """Wait at most `seconds` until the interrupted runs have stored their end."""
        until = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))

    def check_model(self) -> None:
        """Raise ModelError with the status sentence if no model can answer."""
        if self._engine_service.status().state in ("failed", "stopped"):
            raise ModelError(self._engine_service.status().sentence)

    def model_info(self) -> ModelInfo | None:
        """Return the loaded model; None while there is none."""
        return self._engine_service.status().info

    def running_model(self, name: str) -> RunningModel:
        """Return the model that would answer now, under this name."""
        info = self.model_info()
        return RunningModel(name, info.revision if info else None)

    def check_capacity(self, account_id: str) -> None:
        """Raise TooBusy if `start` would, before any pixels are read."""
        self._bounds.check(account_id, WorkKind.question)

    def start(self, question: PreparedQuestion) -> QuestionRun:
        """Store a question and run it in a thread. Raises TooBusy above the limit."""
        self._release_finished()
        slot = self._bounds.take(question.new_question.account_id, WorkKind.question)
        try:
            run = QuestionRun(self.store.add(question), self.store)
        except BaseException:
            slot.release()
            raise
        with self._lock:
            self._runs[run.id] = run
        thread = threading.Thread(target=self._run, args=(run, question, slot), daemon=True)
        self._threads.add(thread)
        thread.start()
        return run

    def find_run(self, question_id: str) -> QuestionRun | None:
        """Return the run in memory, without waiting; None if there is none."""
        return self._runs.get(question_id)

    def find(self, question_id: str) -> QuestionSnapshot:
        """Return a question's snapshot. Raises QuestionNotFound."""
        run = self.find_run(question_id)
        return run.snapshot if run else self.store.find(question_id)

    def find_attention(self, snapshot: QuestionSnapshot, index: int) -> CompletionAttention:
        """Return a completion's attention.

        Raises QuestionNotFound, and ModelError for a damaged file.
        """
        run = self.find_run(snapshot.record.id)
        if run:
            return run.find_attention(index)
        # read again: `snapshot` may be older than the stored attention
        return self.store.find_attention(self.store.find(snapshot.record.id), index)

    def check_deletion(
        self,
        snapshot: QuestionSnapshot,
        index: int,
        passage: str,
        account_id: str,
        model: RegisteredModel,
    ) -> DeletionCheckRecord:
        """Run the deletion check on a completion and store the result.

        Raises the errors of `find_attention` and `check_attention_use`, and QuestionRefused if
        `model` is not the model that answered.
        """
        self._release_finished()  # checks are read from the database only
        completion = snapshot.find_completion(index)
        running = self.running_model(model.name)
        running.check_same(snapshot.record)
        attention, picture = (
            self.find_attention(snapshot, index),
            self.store.load_picture(snapshot.record),
        )
        self.check_model()
        method = CheckMethod.of_model(model, running.revision)
        new_check = check_attention_use(
            self._engine_service.engine, snapshot.record, picture, attention, passage, method
        )
        return self.store.add_deletion_check(completion.id, account_id, new_check)

    def find_evidence(self, snapshot: QuestionSnapshot, index: int) -> CompletionEvidence:
        """Return a completion's stored evidence. Raises QuestionNotFound if there is none yet."""
        evidence = self.store.find_evidence(self.store.find(snapshot.record.id), index)
        if evidence is None:
            raise QuestionNotFound(user_messages.NO_EVIDENCE_YET)
        return evidence

    def measure_evidence(
        self,
        snapshot: QuestionSnapshot,
        index: int,
        model: RegisteredModel,
        cancelled: threading.Event,
    ) -> CompletionEvidence:
        """Return a completion's evidence; find and store it first if it is not stored.

        One completion at a time; setting `cancelled` ends it. Raises CancelledError, the errors of
        `find_attention` and `EvidenceSearch`, and QuestionConflict if `model` is not the model that
        answered.
        """
        evidence = self.store.find_evidence(self.store.find(snapshot.record.id), index)
        if evidence is not None:
            return evidence
        with take_lock(self._evidence_lock, cancelled):
            snapshot = self.store.find(snapshot.record.id)
            evidence = self.store.find_evidence(snapshot, index)
            if evidence is None:  # another search may have found it meanwhile
                found = self._search_evidence(snapshot, index, model, cancelled).find_all()
                self.store.save_evidence(snapshot.find_completion_id(index), found)
                evidence = self.find_evidence(snapshot, index)
        return evidence

    def test_words(
        self,
        snapshot: QuestionSnapshot,
        index: int,
        tokens: range,
        model: RegisteredModel,
        cancelled: threading.Event,
    ) -> tuple[CompletionEvidence, PlaceTest]:
        """Return a completion's evidence and the test of some of its tokens.

        Raises the errors of `measure_evidence`, and QuestionRefused for tokens that do not exist.
        """
        evidence = self.measure_evidence(snapshot, index, model, cancelled)
        try:
            words = evidence.check_tokens(tokens)
        except ModelError as error:
            raise QuestionRefused(str(error)) from error
        with take_lock(self._evidence_lock, cancelled):
            search = self._search_evidence(snapshot, index, model, cancelled)
            return evidence, search.test_tokens(words, tokens)

    def _search_evidence(
        self,
        snapshot: QuestionSnapshot,
        index: int,
        model: RegisteredModel,
        cancelled: threading.Event,
    ) -> EvidenceSearch:
        running = self.running_model(model.name)
        running.check_same(snapshot.record)
        completion, placement = snapshot.find_completion(index), snapshot.placement
        if placement is None:
            raise QuestionNotFound(user_messages.NO_MAPS)
        self.check_model()
        picture = self.store.load_picture(snapshot.record)
        question = EvidenceQuestion(snapshot.record, completion, picture, placement)
        method = CheckMethod.of_model(model, running.revision)
        return EvidenceSearch(self._engine_service.engine, question, method, cancelled)

    def save_first_answer(
        self, snapshot: QuestionSnapshot, answer: str, confidence: int | None
    ) -> None:
        """Store the first answer, which is final. Raises QuestionRefused for a second one."""
        if not snapshot.is_blinded:
            raise QuestionConflict(storage_messages.FIRST_ANSWER_FINAL)
        record = self.store.save_first_answer(snapshot.record.id, answer, confidence)
        run = self.find_run(record.id)
        if run:
            run.record_first_answer(record)
            if run.is_finished:
                self._release(run)

    def stop(self, question_id: str) -> None:
        """Stop a run within one token; do nothing without a run."""
        if self.find_run(question_id) is None:
            return
        try:
            cancel(self._engine_service.engine, question_id)
        except ModelError as error:
            log.warning("A question could not be stopped. %s", error)

    def forget(self, question_ids: Sequence[str]) -> None:
        """Drop the runs of withdrawn questions."""
        for run in filter(None, map(self.find_run, question_ids)):
            self._release(run)

    def _release_finished(self) -> None:
        """Drop finished runs and, above MOST_IN_MEMORY, the oldest ended ones."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            if run.end_unsaved:
                run.save_end()
            if run.end_unsaved:  # the database is still down, and each try may block
                break
        ended = [run for run in runs if run.snapshot.record.state != "running"]
        excess = len(runs) - MOST_IN_MEMORY + 1
        for index, run in enumerate(ended):
            if index < excess or run.is_finished:
                self._release(run)

    def _release(self, run: QuestionRun) -> None:
        with self._lock:
            self._runs.pop(run.id, None)
        run.release()  # once it cannot be found: its listeners look again at once

    def _run(self, run: QuestionRun, question: PreparedQuestion, slot: Slot) -> None:
        ending: tuple[str, str | None] = ("failed", user_messages.INTERNAL_ERROR)
        try:
            ending = self._handle_events(run, question)
        finally:
            slot.release()  # before the end event: its listeners may ask again at once
            run.end(*ending)
            if run.is_finished:
                self._release(run)
            self._threads.discard(threading.current_thread())

    def _handle_events(
        self, run: QuestionRun, question: PreparedQuestion
    ) -> tuple[str, str | None]:
        """Run a question; return its final state and, if it failed, the reason."""
        try:
            with closing(self._ask(run.id, question)) as events:
                for event in events:
                    run.handle(event)
        except CancelledError:
            return "stopped", None
        except ModelError as error:
            return "failed", storage_messages.QUESTION_INTERRUPTED if self._closing else str(error)
        except StorageError as error:
            return "failed", user_messages.answer_not_stored(str(error))
        return "done", None

    def _ask(
        self, question_id: str, question: PreparedQuestion
    ) -> Generator[Event | NeutralQuestionProgress | CompletionResult, None, None]:
        return ask(
            self._engine_service.engine,
            question.prompt,
            sampling=question.sampling,
            budget=question.budget,
            count=question.new_question.count,
            request_id=question_id,
        )


@contextmanager
def take_lock(lock: threading.Lock, cancelled: threading.Event) -> Iterator[None]:
    """Hold a lock for the block. Raises CancelledError if `cancelled` is set while waiting."""
    while not lock.acquire(timeout=LOCK_SECONDS):
        if cancelled.is_set():
            raise CancelledError(REQUEST_CANCELLED)
    try:
        yield
    finally:
        lock.release()
