"""The model may fail as it likes: its caller gets a sentence, nobody else notices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from models.engines.worker.engine import WorkerEngine
from models.engines.worker.environment import child_environment, count_processors
from models.engines.worker.messages import EngineSpec, Ready, RunCommand
from models.engines.worker.pipes import ChildLink
from models.errors import CheckpointError, ModelError, OutOfMemoryError, PromptError, WorkerError
from models.messages import Box, CompletionEnd, GenerateRequest, Prompt, PromptImage, Token
from tests.models.engines.tiny_engine import Unreadable, Unsayable
from tests.models.engines.worker.test_engine import ENGINE, Caller, order, said, tiny, until

ROOT = Path(__file__).resolve().parents[4]


def answers(backend: WorkerEngine) -> bool:
    """Whether it still does what it is asked."""
    return any(
        isinstance(event, CompletionEnd) for event in backend.generate(order("write 2 0", "check"))
    )


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("eat 900", OutOfMemoryError, "ran out of memory"),  # a real allocation, refused
        ("refuse", PromptError, "The prompt is refused."),  # the engine's own sentence
        ("break", WorkerError, "TypeError"),  # a defect of ours
    ],
)
def test_an_error_reaches_its_caller_and_the_process_lives(
    text: str, kind: type[ModelError], words: str
) -> None:
    with closing(tiny(memory_mib=300)) as backend:
        backend.wait_until_settled(60)
        before = backend.process_id
        with pytest.raises(kind, match=words) as found:
            list(backend.generate(order(text)))
        assert str(found.value).endswith(".")
        assert answers(backend)
        assert backend.process_id == before


def holding(content: object) -> GenerateRequest:
    """A request whose picture is not what pictures are."""
    image = PromptImage(content, Box(0, 0, 1, 1))  # type: ignore[arg-type]
    return GenerateRequest("a", Prompt("write 1 0", (image,)))


def test_a_request_that_the_process_cannot_read_is_refused_to_its_caller() -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        before = backend.process_id
        caller = Caller(backend, holding(Unreadable()))
        caller.join(20)
        assert isinstance(caller.error, OutOfMemoryError)
        assert answers(backend)
        assert backend.process_id == before


def test_a_process_that_can_no_longer_hear_ends() -> None:
    link = ChildLink()
    link.send(EngineSpec("tiny", ENGINE, "TinyEngine"))
    messages = link.messages()
    assert isinstance(next(messages), Ready)
    link.send(RunCommand(1, 2**62))  # no memory holds what is announced
    assert list(messages) == []
    assert link.stop() == "with code 1"


@pytest.mark.parametrize(
    ("content", "kind"), [(Unsayable(), OutOfMemoryError), (lambda: 0, Exception)]
)
def test_a_request_that_cannot_be_sent_does_not_block_the_line(
    content: object, kind: type[Exception]
) -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        caller = Caller(backend, holding(content))
        caller.join(20)
        assert isinstance(caller.error, kind)
        assert backend.status().waiting == 0
        after = Caller(backend, order("write 1 0", "after"))
        after.join(20)
        assert after.of(CompletionEnd)


def test_an_answer_that_the_program_cannot_read_costs_a_process_and_not_the_model() -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        with pytest.raises(WorkerError, match="being restarted"):
            list(backend.generate(order("unreadable")))
        assert answers(backend)
        assert backend.status().state == "ready"


def test_a_process_that_lost_its_gpu_is_replaced_and_its_caller_told() -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        before = backend.process_id
        with pytest.raises(WorkerError, match="Ask again"):
            list(backend.generate(order("gpu")))
        assert answers(backend)
        assert backend.process_id != before


def test_a_killed_process_is_replaced_and_who_waits_keeps_waiting() -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        before = backend.process_id
        assert before is not None
        victim = Caller(backend, order("write 2000 0.01", "victim"))
        waiting = Caller(backend, order("write 2 0", "waiting"))
        until(lambda: victim.of(Token) and waiting.positions())
        os.kill(before, signal.SIGKILL)
        victim.join(30)
        waiting.join(30)
        assert isinstance(victim.error, WorkerError)
        assert "SIGKILL" in str(victim.error)
        assert waiting.of(CompletionEnd)
        assert waiting.positions() == [1, 0]
        assert backend.process_id not in (None, before)
        assert backend.status().state == "ready"


def test_a_process_that_keeps_dying_at_work_keeps_being_replaced() -> None:
    spec = EngineSpec("tiny", ENGINE, "TinyEngine")
    with closing(WorkerEngine(spec, pauses=(0.0, 0.05))) as backend:
        for _ in range(6):
            with pytest.raises(WorkerError, match="code 9"):
                list(backend.generate(order("die")))
        assert answers(backend)


def test_a_process_that_only_dies_is_given_up_after_growing_pauses() -> None:
    spec = EngineSpec("tiny", ENGINE, "TinyEngine", {"load": "die"})
    started = time.monotonic()
    with closing(WorkerEngine(spec, pauses=(0.0, 0.3))) as backend:
        with pytest.raises(WorkerError, match="giving up"):
            list(backend.generate(order("write 1 0")))
        assert backend.status().state == "failed"
        assert backend.process_id is None
    assert time.monotonic() - started > 0.9  # 0, 0.3, 0.3, 0.3


@pytest.mark.parametrize(
    ("spec", "kind", "words"),
    [
        (EngineSpec("tiny", ENGINE, "TinyEngine", {"load": "refuse"}), CheckpointError, "cut off"),
        (EngineSpec("tiny", ENGINE, "TinyEngine", {"load": "break"}), WorkerError, "TypeError"),
        (EngineSpec("tiny", ENGINE, "Nothing"), WorkerError, "AttributeError"),
        (EngineSpec("tiny", "no.such.module", "A"), WorkerError, "pip install"),
    ],
)
def test_an_engine_that_cannot_be_built_fails_in_a_sentence(
    spec: EngineSpec, kind: type[ModelError], words: str
) -> None:
    with closing(WorkerEngine(spec)) as backend:
        status = backend.wait_until_settled(60)
        assert status.state == "failed"
        assert words in status.sentence
        with pytest.raises(kind, match=words):
            list(backend.generate(order("write 1 0")))


def test_what_its_callers_are_told_is_not_logged_besides(caplog: pytest.LogCaptureFixture) -> None:
    spec = EngineSpec("tiny", ENGINE, "TinyEngine", {"load": "refuse"})
    told: list[str] = []
    with closing(WorkerEngine(spec, report=told.append)) as backend:
        sentence = backend.wait_until_settled(60).sentence
    assert told == [sentence]
    with closing(tiny()) as backend, pytest.raises(WorkerError):
        list(backend.generate(order("die")))
    assert not caplog.records


def test_the_child_ends_with_a_killed_program() -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.models.engines.lone_program"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout
    child = int(program.stdout.readline())
    assert alive(child)
    program.kill()
    program.communicate()
    until(lambda: not alive(child))


def alive(process_id: int) -> bool:
    """Whether the process still runs; one that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_the_child_outlives_an_interrupt_meant_for_the_program() -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        assert backend.process_id is not None
        os.kill(backend.process_id, signal.SIGINT)
        assert said(backend, "pid") == str(backend.process_id)


def test_the_child_lets_the_pages_go_first() -> None:
    with closing(tiny()) as backend:
        backend.wait_until_settled(60)
        child = backend.process_id
        assert child is not None
        assert os.getpriority(os.PRIO_PROCESS, child) > os.getpriority(os.PRIO_PROCESS, 0)
        assert int(Path(f"/proc/{child}/oom_score_adj").read_text()) >= 500


@pytest.mark.parametrize(
    ("quota", "given", "threads"),
    [
        ("100000 100000", {}, "1"),  # one processor of several
        ("10000 100000", {}, "1"),  # a tenth of one
        ("max 100000", {}, None),  # no limit
        ("99900000 100000", {}, None),  # more than there are
        ("nonsense", {}, None),
        ("100000 0", {}, None),
        ("100000 100000", {"OMP_NUM_THREADS": "7"}, "7"),  # somebody chose
    ],
)
def test_threads_keep_to_the_containers_share(
    tmp_path: Path, quota: str, given: dict[str, Any], threads: str | None
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    environment = child_environment(given, tmp_path / "cpu.max")
    assert environment.get("OMP_NUM_THREADS") == threads


def test_without_a_quota_file_nothing_is_said_of_threads(tmp_path: Path) -> None:
    assert count_processors(tmp_path / "none") is None
