"""Evidence of a stored answer: who can give it, its quick form, and waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.deletion_check import CheckMethod
from models.engines.base import Engine
from models.engines.scripted.engine import ScriptedEngine
from models.engines.scripted.script import AttendedPassage, Script, ScriptedAnswer
from models.errors import CancelledError
from models.messages import Completion, CompletionEnd, GenerateRequest
from pathviewer.questions import evidence as evidence_module
from pathviewer.questions.errors import QuestionRefused
from pathviewer.questions.evidence import EvidenceQuestion, EvidenceSearch
from pathviewer.questions.service import take_lock
from pathviewer.questions.store import QuestionStore
from storage.blobs import BlobStore
from storage.database import Database
from tests.databases import new_database
from tests.models.red_spot import RedSpot
from tests.pathviewer.questions.asked import PICTURE, PLACE, STARTED, asked

TEXT = "<think>\n1. A gland is seen.\n2. So it is A.\n</think>\n<answer>A</answer>"
LOOK = AttendedPassage("A gland is seen", (0.0, 0.0, 0.34, 0.5))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    database = new_database(f"sqlite:///{tmp_path / 'state.sqlite3'}")
    yield database
    database.close()


@pytest.fixture
def question(database: Database, tmp_path: Path) -> EvidenceQuestion:
    """A stored answer to a question about a white picture."""
    store = QuestionStore(database, BlobStore(tmp_path / "blobs"), "one server")
    prepared = asked(database, blind=False)
    record = store.add(prepared)
    store.start(record.id, STARTED)
    request = GenerateRequest("r", prepared.prompt, budget=prepared.budget)
    (end,) = [each for each in engine().generate(request) if isinstance(each, CompletionEnd)]
    assert end.completion == Completion(TEXT, end.completion.token_ids, end.completion.token_ends)
    completion = store.add_completion(record.id, end)
    stored = store.find(record.id).record
    return EvidenceQuestion(stored, completion, PICTURE.data, PLACE)


def engine() -> ScriptedEngine:
    return ScriptedEngine(Script((ScriptedAnswer((TEXT,), ".*", (LOOK,)),)))


def search(engine: Engine, question: EvidenceQuestion) -> EvidenceSearch:
    return EvidenceSearch(engine, question, CheckMethod(), threading.Event())


def test_every_passage_is_mapped_and_tested(question: EvidenceQuestion) -> None:
    found = search(engine(), question).find_all()
    assert set(found.tests) == {"step 1", "step 2", "answer", "all"}
    assert found.words is not None
    whole = found.words.cell_map(range(len(question.completion.token_ends)))
    assert whole.argmax() == 0
    assert found.tests["step 1"].cells == (0,)
    # nothing on a white picture can be blurred away
    assert {test.claim for test in found.tests.values()} == {"none"}
    assert found.method == {"name": "occlusion", "quick": False}


def test_slow_replays_give_way_to_the_quick_form(
    question: EvidenceQuestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_module, "SLOW_OPERATIONS", {"cpu": -1.0})
    found = search(engine(), question).find_all()
    assert found.method == {"name": "attention x gradient", "quick": True}
    assert (found.words, found.answer, found.tests) == (None, None, {})
    assert set(found.quick) == {"step 1", "step 2", "answer", "all"}
    assert found.quick["step 1"].argmax() == 0
    assert found.quick["step 1"].max() == 1


def test_an_engine_without_weights_gives_no_evidence(question: EvidenceQuestion) -> None:
    with pytest.raises(QuestionRefused, match="weights are not on this server"):
        search(RedSpot(), question)


def test_a_cancelled_search_waits_no_longer() -> None:
    lock, cancelled = threading.Lock(), threading.Event()
    cancelled.set()
    with lock, pytest.raises(CancelledError), take_lock(lock, cancelled):
        pytest.fail("two at once")
    with take_lock(lock, cancelled):
        assert lock.locked()
    assert not lock.locked()
