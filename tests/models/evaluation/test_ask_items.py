"""Putting questions: every arm once, going on after a kill, errors in the place of answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import (
    CancelledError,
    ModelError,
    OutOfMemoryError,
    PromptError,
    WorkerError,
)
from models.evaluation.answer_store import AnswerFile, Arm, RecordedAnswer
from models.evaluation.ask_items import (
    EvaluationPlan,
    answer_questions,
    count_not_reorderable,
    count_without_other_picture,
    list_question_variants,
    wait_until_ready,
)
from models.evaluation.control_pictures import PictureControl
from models.evaluation.items import EvaluationError, EvaluationItem, ItemSet
from models.evaluation.measurement import prompt_writer
from models.messages import Completion, CompletionEnd, PixelBudget, Prompt, PromptImage, Sampling
from models.registry import resolve_model
from tests.conftest import ROOT
from tests.models.backend_with_answers import INFO, AnsweringBackend
from tests.models.evaluation.files import lung_folder, picture
from tests.models.evaluation.killed_run import items
from tests.small_disk import small_disk

TEXT = "<think>Glands.</think><answer>A</answer>"


def write(item: EvaluationItem, image: PromptImage) -> Prompt:
    """Id and options as a prompt."""
    return Prompt(f"{item.id} {' | '.join(item.options)}", (image,))


def run(
    backend: AnsweringBackend, asked: ItemSet, plan: EvaluationPlan, path: Path | None = None
) -> dict[tuple[str, Arm], RecordedAnswer]:
    """All answers of a run."""
    with AnswerFile(path, plan.describe(asked, INFO, write)) as answers:
        list(answer_questions(backend, asked, write, plan, answers))
    return dict(answers.answers)


@pytest.fixture
def asked(tmp_path: Path) -> ItemSet:
    """Twelve diagnosis questions."""
    return items(lung_folder(tmp_path / "data"))


def test_every_question_is_put_once_in_every_way(asked: ItemSet) -> None:
    backend = AnsweringBackend(lambda _: TEXT)
    plan = EvaluationPlan(Sampling(max_new_tokens=99), permute_options=True, free_form=True)
    answers = run(backend, asked, plan)
    assert len(answers) == len(backend.asked) == 36
    assert len(list(list_question_variants(asked.items, plan))) == 36
    request = backend.asked[0]
    assert (request.sampling.max_new_tokens, request.priority, request.count) == (99, 0, 1)
    assert not request.attention
    assert len({request.request_id for request in backend.asked}) == 36
    answer = answers[asked.items[0].id, "asked"]
    assert (answer.text, answer.tokens, answer.seconds) == (TEXT, 1, 0.01)


def test_questions_without_options_or_score_are_put_one_way_only(asked: ItemSet) -> None:
    first, second, *rest = asked.items
    odd = ItemSet((replace(first, options=()), replace(second, scored=False), *rest))
    plan = EvaluationPlan(permute_options=True)
    assert len(list(list_question_variants(odd.items, plan))) == 12 + 10


def test_a_question_that_another_order_would_change_is_not_permuted(asked: ItemSet) -> None:
    first, *rest = asked.items
    odd = ItemSet((replace(first, options=(*first.options, "Both A and B")), *rest))
    put = list(
        list_question_variants(odd.items, EvaluationPlan(permute_options=True, free_form=True))
    )
    assert [arm for arm, item in put if item.id == first.id] == ["asked", "free-form"]
    assert (len(put), count_not_reorderable(odd.items), count_not_reorderable(asked.items)) == (
        35,
        1,
        0,
    )


def test_the_other_picture_has_another_answer_and_group(asked: ItemSet) -> None:
    backend = AnsweringBackend(lambda _: TEXT)
    plan = EvaluationPlan(other_image=True, other_colours=True)
    variants = list(list_question_variants(asked.items, plan))
    assert Counter(arm for arm, _ in variants) == dict.fromkeys(plan.arms, 12)
    by_picture = {item.image: item for item in asked.items}
    by_id = {item.id: item for item in asked.items}
    for arm, item in variants[12:]:
        donor = by_picture[item.image if arm == "other-image" else item.colours or item.image]
        before = by_id[item.id]
        assert donor.gold != before.gold
        assert donor.group != before.group
        assert (item.gold, item.options) == (before.gold, before.options)
    answers = run(backend, asked, plan)
    assert {answer.finish for answer in answers.values()} == {"stop"}
    same = ItemSet(tuple(replace(item, gold=asked.items[0].gold) for item in asked.items))
    assert len(list(list_question_variants(same.items, plan))) == 12
    assert count_without_other_picture(same.items) == 12


def test_the_control_reaches_the_pictures(asked: ItemSet) -> None:
    backend = AnsweringBackend(lambda _: TEXT)
    run(backend, asked, EvaluationPlan(control=PictureControl(blank=True)))
    shown = {request.prompt.images[0].data for request in backend.asked}
    assert len(shown) == 1


def test_what_the_model_cannot_be_given_is_answered_by_its_error(asked: ItemSet) -> None:
    asked.items[2].image.write_bytes(b"no picture")

    def answer(prompt: Prompt) -> str | ModelError:
        if prompt.text.startswith(asked.items[0].id):
            return PromptError("Too long.")
        if prompt.text.startswith(asked.items[1].id):
            return OutOfMemoryError("Too large.")
        return TEXT

    answers = run(AnsweringBackend(answer), asked, EvaluationPlan())
    errors = [answers[item.id, "asked"].error for item in asked.items]
    assert errors[:2] == ["Too long.", "Too large."]
    assert "cannot be read" in errors[2]
    assert not any(errors[3:])


def test_a_worker_that_dies_is_asked_again(asked: ItemSet) -> None:
    deaths: Iterator[str | ModelError] = iter([WorkerError("The model's process ended."), TEXT])
    answers = run(AnsweringBackend(lambda _: next(deaths, TEXT)), asked, EvaluationPlan())
    assert len(answers) == 12
    assert not any(answer.error for answer in answers.values())


def test_a_worker_that_keeps_dying_ends_the_run(asked: ItemSet, tmp_path: Path) -> None:
    backend = AnsweringBackend(
        lambda prompt: TEXT if prompt.text.startswith("benign") else WorkerError("It ended.")
    )
    with pytest.raises(WorkerError, match="It ended"):
        run(backend, asked, EvaluationPlan(), tmp_path / "answers.jsonl")


def test_a_withdrawn_question_ends_the_run(asked: ItemSet) -> None:
    class Withdrawn(AnsweringBackend):
        def generate(self, request):  # type: ignore[no-untyped-def]
            yield CompletionEnd(request.request_id, 0, Completion("", finish="cancelled"), 0.0, 0.0)

    with pytest.raises(CancelledError):
        run(Withdrawn(lambda _: ""), asked, EvaluationPlan())


def test_a_model_that_failed_is_not_waited_for() -> None:
    class Failed(AnsweringBackend):
        def status(self):  # type: ignore[no-untyped-def]
            return replace(super().status(), state="failed", sentence="No weights.", info=None)

    with pytest.raises(WorkerError, match="No weights"):
        wait_until_ready(Failed(lambda _: ""))
    assert wait_until_ready(AnsweringBackend(lambda _: "")) is INFO


def test_a_second_run_asks_only_what_is_missing(asked: ItemSet, tmp_path: Path) -> None:
    path = tmp_path / "out" / "answers.jsonl"
    first = run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    backend = AnsweringBackend(lambda _: "other")
    assert run(backend, asked, EvaluationPlan(), path) == first
    assert not backend.asked
    both = run(backend, asked, EvaluationPlan(free_form=True), path)
    assert len(backend.asked) == 12
    assert len(both) == 24


def test_errors_are_asked_again(asked: ItemSet, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    run(AnsweringBackend(lambda _: OutOfMemoryError("Too large.")), asked, EvaluationPlan(), path)
    answers = run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    assert not any(answer.error for answer in answers.values())


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        (EvaluationPlan(Sampling(seed=1)), "sampling"),
        (EvaluationPlan(control=PictureControl(colour="none")), "colour"),
        (EvaluationPlan(control=PictureControl(blank=True)), "no_image"),
        (EvaluationPlan(budget=PixelBudget(3136, 401_408)), "budget"),
    ],
)
def test_answers_of_another_run_are_not_mixed_in(
    asked: ItemSet, tmp_path: Path, plan: EvaluationPlan, word: str
) -> None:
    path = tmp_path / "answers.jsonl"
    run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    with pytest.raises(EvaluationError, match=rf"another run \(other {word}\)"):
        run(AnsweringBackend(lambda _: TEXT), asked, plan, path)
    with pytest.raises(EvaluationError, match="other questions"):
        run(AnsweringBackend(lambda _: TEXT), asked.first(3), EvaluationPlan(), path)


def test_another_checkpoint_of_the_same_name_is_noticed(asked: ItemSet, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    with pytest.raises(EvaluationError, match="other revision"):
        AnswerFile(path, EvaluationPlan().describe(asked, replace(INFO, revision="r2"), write))


def test_another_picture_of_the_same_name_is_noticed(asked: ItemSet, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    picture(asked.items[3].image, "green")
    with pytest.raises(EvaluationError, match=r"another run \(other questions\)"):
        run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)


def test_the_budget_of_a_run_is_the_one_in_force(asked: ItemSet, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    first = run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    assert (
        run(AnsweringBackend(lambda _: ""), asked, EvaluationPlan(budget=INFO.budget), path)
        == first
    )
    larger = replace(INFO, budget=PixelBudget(3136, 401_408))
    with pytest.raises(EvaluationError, match=r"another run \(other budget\)"):
        AnswerFile(path, EvaluationPlan().describe(asked, larger, write))


@pytest.mark.parametrize(
    "change", [{"system": "Be brief."}, {"prompt_style": "patho-r1"}, {"prompt_style": "medvlm-r1"}]
)
def test_other_words_around_the_questions_are_noticed(
    asked: ItemSet, tmp_path: Path, change: dict[str, str]
) -> None:
    path, model = tmp_path / "answers.jsonl", resolve_model("scripted")
    AnswerFile(path, EvaluationPlan().describe(asked, INFO, prompt_writer(model)))
    AnswerFile(path, EvaluationPlan().describe(asked, INFO, prompt_writer(model)))
    other = prompt_writer(replace(model, **change))  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match=r"another run \(other prompts\)"):
        AnswerFile(path, EvaluationPlan().describe(asked, INFO, other))


@pytest.mark.parametrize("text", ["hello\n", "[]\n", '{"run": 1}\n', "{}\n", '{"item": 1}\n'])
def test_a_file_that_holds_no_answers_is_left_alone(
    asked: ItemSet, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(text)
    with pytest.raises(EvaluationError, match="not a file of answers"):
        AnswerFile(path, EvaluationPlan().describe(asked, INFO, write))
    assert path.read_text() == text


def test_a_line_cut_off_is_dropped(asked: ItemSet, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    whole = run(AnsweringBackend(lambda _: TEXT), asked, EvaluationPlan(), path)
    path.write_bytes(path.read_bytes()[:-7])
    backend = AnsweringBackend(lambda _: TEXT)
    assert run(backend, asked, EvaluationPlan(), path) == whole
    assert len(backend.asked) == 1
    assert len(path.read_text().splitlines()) == 13


def test_a_full_disk_is_told_in_a_sentence(asked: ItemSet, tmp_path: Path) -> None:
    text = TEXT.replace("Glands", "Glands " * 100)  # so that twelve answers are more than a page
    path = tmp_path / "disk" / "answers.jsonl"
    with small_disk(path.parent, 4) as make_room:
        with pytest.raises(EvaluationError, match=r"answers\.jsonl cannot be written"):
            run(AnsweringBackend(lambda _: text), asked, EvaluationPlan(), path)
        make_room()
        backend = AnsweringBackend(lambda _: text)
        assert len(run(backend, asked, EvaluationPlan(), path)) == 12
        assert 0 < len(backend.asked) < 12


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    data, out = lung_folder(tmp_path / "data", groups=12), tmp_path / "answers.jsonl"
    command = [sys.executable, "-m", "tests.models.evaluation.killed_run", str(data), str(out)]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not out.exists() or out.read_bytes().count(b"\n") < 5):
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = out.read_text().splitlines()
    assert 5 <= len(before) < 20
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    after = out.read_text().splitlines()
    assert after[: len(before)] == before
    asked = [json.loads(line)["item"] for line in after[1:]]
    assert len(asked) == len(set(asked)) == 24
