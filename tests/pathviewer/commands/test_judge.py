"""`judge` over real HTTP: labelled traces are judged once, and kept under the judge's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models.reward import EVENTS
from pathviewer.commands.main import app
from storage.statistics.feedback_rows import judge_labels
from tests.commands import called
from tests.models.judges.odd_endpoint import Body, Handler, OddEndpoint, chat, odd_endpoint
from tests.pathviewer.export.made_labels import Labels, new_labels

TRACE = "<think>\n1. Cells are crowded.\n2. Nothing else is seen.\n</think>\n<answer>A</answer>"
Run = Callable[..., tuple[str, int]]


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Labels]:
    """Three answers of one reading: two are labelled, one has a verdict alone."""
    monkeypatch.setenv("PATHVIEWER_DATA", str(tmp_path))
    made = new_labels(tmp_path)
    with made.database.session() as session:
        texts = [TRACE, TRACE.replace("crowded", "sparse"), TRACE]
        ids = made.reading(session, "slide", 120, *texts)
        for completion in ids[:2]:
            made.say(session, "ada", completion, "labels", absences=[], steps=[])
        made.verdict(session, "ada", ids[2], "correct")
    yield made
    made.database.close()


def run(tmp_path: Path, config: str, *options: str) -> tuple[str, int]:
    """The command's output, or its sentence, and its exit code."""
    path = tmp_path / "judge.toml"
    path.write_text(config)
    done = called(app, "judge", "--config", path, *options)
    return done.told, done.code


def config_of(server: OddEndpoint) -> str:
    return f'[judge]\nurl = "{server.url}"\nmodel = "judge-a"\nretries = 0\n'


def reply(**changed: Any) -> str:
    """A judge's whole reply: the absences have quotes of the trace, but for what is changed."""
    found: dict[str, Any] = {
        event: {
            "quote": "Nothing else is" if event.startswith("missing") else "",
            "happened": False,
        }
        for event in EVENTS
    }
    return json.dumps(found | changed)


def test_labelled_traces_are_judged_once(labels: Labels, tmp_path: Path) -> None:
    wrong = {"quote": "Nothing else is seen", "happened": True}
    answer = chat(reply(contradiction=wrong))
    with odd_endpoint(lambda handler, _: handler.reply(answer)) as server:
        first = run(tmp_path, config_of(server), "--json")
        again = run(tmp_path, config_of(server))
        assert len(server.asked) == 2
    assert json.loads(first[0]) == {"judged": 2, "abstained": 0, "unreadable": 0, "cost": None}
    assert again == ("Judged 0 traces; the judge abstained on 0.\n", 0)
    with labels.database.read_only() as session:
        rows = judge_labels(session)
    assert {(row.rater, row.events) for row in rows} == {("judge-a", frozenset({"contradiction"}))}
    assert len(rows) == 2


def test_what_a_judge_cannot_tell_is_asked_again(labels: Labels, tmp_path: Path) -> None:
    def answer(handler: Handler, body: Body) -> None:
        sparse = "sparse" in json.dumps(body)
        handler.reply(chat("no JSON" if sparse else reply()))

    with odd_endpoint(answer) as server:
        told, _ = run(tmp_path, config_of(server))
        assert told == "Judged 1 traces; the judge abstained on 1.\n"
        told, _ = run(tmp_path, config_of(server))
        assert told == "Judged 0 traces; the judge abstained on 1.\n"


def test_a_picture_that_is_gone_is_counted(labels: Labels, tmp_path: Path) -> None:
    for name in list(labels.blobs.list_names()):
        labels.blobs.remove(name)
    with odd_endpoint(lambda handler, _: handler.reply(chat(reply()))) as server:
        told, _ = run(tmp_path, config_of(server))
        assert server.asked == []
    assert "The pictures of 2 cannot be read" in told


def test_an_endpoint_that_refuses_ends_in_a_sentence(labels: Labels, tmp_path: Path) -> None:
    with odd_endpoint(lambda handler, _: handler.reply(b"{}", 401)) as server:
        told, code = run(tmp_path, config_of(server))
    assert code == 1
    assert "key" in told


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[judge", "is not TOML"),
        ("x = 1", "has no table [judge]"),
        ("judge = 1", "has no table [judge]"),
        ('[judge]\nmodel = "m"', "judge.url"),
        ('[judge]\nurl = "http://x"\nmodel = "m"\ncolour = 1', "judge.colour"),
    ],
)
def test_a_config_that_names_no_judge_is_refused(tmp_path: Path, config: str, words: str) -> None:
    told, code = run(tmp_path, config)
    assert (code, words in told) == (1, True), told
