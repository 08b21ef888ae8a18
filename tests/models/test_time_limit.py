"""Chat templates and tokenizers that come to no end: a sentence, and the process lives on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from models.engines.open_engine import open_engine
from models.engines.worker.pipes import describe_exit
from models.errors import CheckpointError
from models.messages import CompletionEnd, GenerateRequest, Prompt, Sampling
from models.processing import load_processor, prepare_prompt
from models.time_limit import STUCK_EXIT_CODE, run_within_text_limit

ROOT = Path(__file__).resolve().parents[2]
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def changed(folder: Path, checkpoint: Path, *, template: str = "", pattern: str = "") -> Path:
    """A copy of a checkpoint with another chat template, or another pattern that splits text."""
    shutil.copytree(checkpoint, folder)
    if template:
        (folder / "chat_template.jinja").write_text(template)
    if pattern:
        told = json.loads((folder / "tokenizer.json").read_text())
        told["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": pattern}
        (folder / "tokenizer.json").write_text(json.dumps(told))
    return folder


def test_an_endless_chat_template_is_one_sentence(mini_checkpoint: Path, tmp_path: Path) -> None:
    processor = load_processor(changed(tmp_path / "endless", mini_checkpoint, template=ENDLESS))
    told: list[str] = []

    def ask() -> None:
        try:
            words = [{"role": "user", "content": "x"}]
            run_within_text_limit(lambda: processor.apply_chat_template(words, tokenize=False), 0.2)
        except CheckpointError as error:
            told.append(str(error))

    thread = threading.Thread(target=ask)  # as in the model's process
    thread.start()
    thread.join(60)
    ask()
    assert len(told) == 2
    assert all(one.startswith("The chat template or tokenizer of this check") for one in told)


def test_what_ends_in_time_is_left_alone(mini_checkpoint: Path) -> None:
    processor = load_processor(mini_checkpoint)
    assert prepare_prompt(processor, Prompt("x", ())).tokens > 1
    assert run_within_text_limit(lambda: "done", 0.05) == "done"
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass  # the limit no longer holds
    with pytest.raises(KeyboardInterrupt):
        run_within_text_limit(interrupted)


def interrupted() -> None:
    """Work that somebody ends by hand."""
    raise KeyboardInterrupt


def test_a_limit_that_is_reached_as_the_work_ends_is_one_sentence() -> None:
    seconds, ended = 0.002, 0

    def work() -> None:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    for _ in range(300):
        with suppress(CheckpointError):
            run_within_text_limit(work, seconds)
        ended += 1
    assert ended == 300


@pytest.mark.long
def test_a_pattern_that_takes_too_many_steps_leaves_the_process_alive(
    mini_checkpoint: Path, tmp_path: Path
) -> None:
    folder = changed(tmp_path / "steps", mini_checkpoint, pattern=r"(a+)+b|[^a]+|a")
    with closing(open_engine(str(folder), device="cpu")) as backend:
        for _ in range(2):
            with pytest.raises(CheckpointError, match="cannot split this question into tokens"):
                list(backend.generate(GenerateRequest("a", Prompt("a" * 60, ()))))
        sampling = Sampling(max_new_tokens=2)
        events = list(backend.generate(GenerateRequest("b", Prompt("why?", ()), sampling)))
        assert isinstance(events[-1], CompletionEnd)


def test_code_of_a_library_that_does_not_end_ends_the_process() -> None:
    program = (
        "import hashlib\n"
        "from models.time_limit import end_when_stuck, run_within_text_limit\n"
        "end_when_stuck(0.2)\n"
        "work = lambda: hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)\n"
        "run_within_text_limit(work, 0.2)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, timeout=120)
    assert done.returncode == STUCK_EXIT_CODE
    assert "chat template or tokenizer took more than" in describe_exit(done.returncode)
