"""Evidence of a stored answer: who can give it, its quick form, and waiting for it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from models.deletion_check import VERSION, CheckMethod, DeletionCheck
from models.engines.base import Engine
from models.engines.scripted.engine import ScriptedEngine
from models.engines.scripted.script import AttendedPassage, Script, ScriptedAnswer
from models.errors import CancelledError
from models.fills import GREY, fill_mean
from models.messages import (
    Completion,
    CompletionEnd,
    GenerateRequest,
    OcclusionRequest,
    PixelBudget,
    Prompt,
)
from models.occlusion import OcclusionRows
from models.pictures import as_prompt_image, open_picture
from models.placement import place_picture
from pathviewer.questions import evidence as evidence_module
from pathviewer.questions.errors import QuestionNotFound, QuestionRefused
from pathviewer.questions.evidence import (
    EvidenceQuestion,
    EvidenceSearch,
    ReplayCost,
    describe_test,
)
from pathviewer.questions.service import take_lock
from pathviewer.questions.store import QuestionStore
from storage.blobs import BlobStore
from storage.database import Database
from tests.databases import new_database
from tests.models.red_spot import INFO, RedSpot
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
    assert (found.method["name"], found.method["quick"]) == ("occlusion", False)
    check = {"fill": "blur", "version": VERSION, "controls": None}
    assert check.items() <= found.method["check"].items()


class SeeingRedSpot(RedSpot):
    """Also says what its words lose with the mean colour in place of a cell."""

    def occlude(self, request: OcclusionRequest) -> OcclusionRows:
        (image,) = request.prompt.images
        picture = open_picture(image.data)
        everything = np.ones_like(request.places[0])
        masks = [~everything, everything, *request.places]
        prompts = [
            Prompt(request.prompt.text, (as_prompt_image(fill_mean(picture, mask), image.box),))
            for mask in masks
        ]
        scores = self.score([(prompt, request.completion) for prompt in prompts])
        as_is, averaged, *occluded = [each.logprobs for each in scores]
        return OcclusionRows(request.places, as_is, averaged, np.stack(occluded))

    def weigh_attention(
        self, request: OcclusionRequest, passages: Sequence[range]
    ) -> NDArray[np.float32]:
        rows = self.attend(request.prompt, request.completion, budget=request.budget).rows
        maps = [rows[tokens.start : tokens.stop].mean((0, 1)) for tokens in passages]
        return np.stack(maps).reshape(-1, *request.places.shape[1:])


def test_a_red_spot_is_the_place_that_the_answer_depends_on(question: EvidenceQuestion) -> None:
    picture = Image.new("RGB", (224, 224), GREY)
    ImageDraw.Draw(picture).rectangle((140, 56, 167, 83), fill=(255, 0, 0))
    image = as_prompt_image(picture, PLACE.box)
    record = replace(question.record, min_pixels=784, max_pixels=50_176)
    text = "<think>\n1. It is looked at.\n2. A spot.\n</think>\n<answer>A</answer>"
    ends = tuple(np.cumsum([len(part) for part in re.findall(r"\w+|\W+", text)]).tolist())
    completion = replace(question.completion, text=text, token_ends=ends, token_ids=())
    placed = place_picture(PLACE.box, 224, 224, PixelBudget(784, 50_176))
    asked_again = EvidenceQuestion(record, completion, image.data, placed)
    found = search(SeeingRedSpot(), asked_again).find_all()
    assert found.tests["step 1"].claim == "none"
    for passage in ("step 2", "answer", "all"):
        test = found.tests[passage]
        assert (passage, test.claim) == (passage, "place")
        assert 2 * 8 + 5 in test.cells  # row 2, column 5
        assert re.search(r"less likely than as much blurred elsewhere", test.sentence)
        assert test.masked < min(test.elsewhere)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            (0.9, 0.1, 0.2, (0.8, 0.8)),
            "on this place: blurred, it makes the words 4.0 times",
        ),
        ((0.9, 0.1, 0.6, (0.5, 0.7)), "as a whole: with it blurred or blanked the words are 9.0"),
        ((0.9, 0.95, 0.5, (0.45, 0.9)), "with it blurred or blanked the words are 1.8 times less"),
        ((0.1, 0.9, 0.1, ()), "which speaks against these words: without it they are 9.0 times"),
        ((0.9, 0.8, 0.7, ()), "Does not depend on the picture"),
        ((0.9, 0.0, 0.0, (0.8,)), "more than 100 times less likely"),
    ],
)
def test_a_claim_gives_the_factor_that_it_rests_on(
    values: tuple[float, float, float, tuple[float, ...]], sentence: str
) -> None:
    assert sentence in describe_test(DeletionCheck(*values, np.zeros((1, 1), np.bool_))).sentence


def test_large_models_are_asked_for_fewer_places_at_once(question: EvidenceQuestion) -> None:
    tiny = ReplayCost.of(replace(INFO, parameters=9_000_000), question)
    large = ReplayCost.of(replace(INFO, parameters=7_000_000_000), question)
    on_gpu = ReplayCost.of(replace(INFO, parameters=7_000_000_000, device="cuda (H200)"), question)
    assert tiny.places_at_once == on_gpu.places_at_once == 32
    assert 1 <= large.places_at_once < 32
    assert (tiny.is_slow(64), large.is_slow(64), on_gpu.is_slow(64)) == (False, True, False)


def test_slow_replays_give_way_to_the_quick_form(
    question: EvidenceQuestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_module, "SLOW_OPERATIONS", {"cpu": -1.0})
    found = search(engine(), question).find_all()
    assert found.method == {"name": "attention x gradient", "quick": True, "check": None}
    assert (found.words, found.answer, found.tests) == (None, None, {})
    assert set(found.quick) == {"step 1", "step 2", "answer", "all"}
    assert found.quick["step 1"].argmax() == 0
    assert found.quick["step 1"].max() == 1


def test_an_engine_without_weights_gives_no_evidence(question: EvidenceQuestion) -> None:
    with pytest.raises(QuestionRefused, match="This model runs elsewhere"):
        search(RedSpot(), question)


def test_evidence_of_a_withdrawn_answer_leaves_no_file(
    database: Database, question: EvidenceQuestion, tmp_path: Path
) -> None:
    store = QuestionStore(database, BlobStore(tmp_path / "blobs"), "one server")
    found = search(engine(), question).find_all()

    def files() -> set[Path]:
        return {path for path in (tmp_path / "blobs").rglob("*") if path.is_file()}

    before = files()
    with pytest.raises(QuestionNotFound):
        store.save_evidence("no such completion", found)
    assert files() == before
    store.save_evidence(question.completion.id, found)
    assert len(files()) == len(before) + 1


def test_a_cancelled_search_waits_no_longer() -> None:
    lock, cancelled = threading.Lock(), threading.Event()
    cancelled.set()
    with lock, pytest.raises(CancelledError), take_lock(lock, cancelled):
        pytest.fail("two at once")
    with take_lock(lock, cancelled):
        assert lock.locked()
    assert not lock.locked()
