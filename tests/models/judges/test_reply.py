"""Which replies of a judge are believed."""

from __future__ import annotations

import json

import pytest

from models.judges.reply import Abstention, read_verdict
from models.judges.request import reply_schema
from models.reward import ABSENCES, EVENTS
from tests.models.judges.judged_traces import ABSENT, events, judged


def test_the_schema_is_strict_all_the_way_down() -> None:
    schema = reply_schema()
    for part in (schema, *schema["properties"].values()):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    assert list(schema["properties"]) == list(EVENTS)


def quoted(event: str, quote: str, happened: bool) -> str:
    """A reply in which one event is quoted so."""
    return json.dumps(events(**{event: {"quote": quote, "happened": happened}}))


@pytest.mark.parametrize(
    ("event", "quote", "happened"),
    [
        ("contradiction", "GLAND formation\n defines", True),  # capitals and spacing
        ("contradiction", "“keratin pearls”; none", True),  # quotation marks
        ("contradiction", "Glands lined ... excludes mucin", True),  # words left out
        ("contradiction", "Gland formations defines adenocarcinomas", True),  # slips in copying
        ("missing_knowledge", "", True),  # what is missing has no words
        ("contradiction", "no such words", False),  # what did not happen needs none
        ("not_in_region", "no such words", True),  # outside the formula: not believed, no harm
    ],
)
def test_replies_that_are_believed(event: str, quote: str, happened: bool) -> None:
    verdict = read_verdict(quoted(event, quote, happened), judged())
    assert (event in verdict.events) == (happened and quote != "no such words")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no JSON"),
        ("The trace is fine.", "no JSON"),
        (f"```json\n{json.dumps(events())}\n```", "no JSON"),
        (json.dumps(events())[:-30], "no JSON"),
        ('{"contradiction": {}, "contradiction": {}}', "no JSON"),  # a key twice
        ("[" * 100_000, "no JSON"),
        ("[]", "another shape"),
        ("{}", "another shape"),
        (json.dumps(events(contradiction=True)), "another shape"),
        (json.dumps(events(contradiction={"happened": "false", "quote": ""})), "another shape"),
        (json.dumps(events(contradiction={"happened": False})), "another shape"),
        (json.dumps(events(contradiction={"happened": False, "quote": None})), "another shape"),
        (json.dumps(events(score={"happened": True, "quote": ""})), "another shape"),
        (json.dumps({k: v for k, v in events().items() if k != "contradiction"}), "another shape"),
        (quoted("contradiction", "", True), "no quote"),
        (quoted("contradiction", "...", True), "no quote"),
        (quoted("contradiction", "nuclei are round", True), "not in the trace"),
        (quoted("contradiction", "excludes mucin ... Glands lined", True), "not in the trace"),
        (quoted("contradiction", "Gland formation excludes adenocarcinoma", True), "not in the"),
        (quoted("contradiction", "e", True), "too short"),
        (quoted("missing_knowledge", "excludes mucin", False), "too short"),
        (quoted("missing_knowledge", "", False), "no quote"),  # it is there, but where
        (quoted("missing_knowledge", "as is well known", False), "not in the trace"),
    ],
)
def test_replies_that_are_not(reply: str, reason: str) -> None:
    with pytest.raises(Abstention, match=reason):
        read_verdict(reply, judged())


def test_a_short_step_is_quoted_whole() -> None:
    trace = judged("<think>\n1. Glands are lined.\n2. No glands.\n</think>\n<answer>A</answer>")
    reply = dict.fromkeys(ABSENCES, ABSENT) | {
        "contradiction": {"quote": "no glands.", "happened": True}
    }
    (finding,) = [
        one for one in read_verdict(json.dumps(events(**reply)), trace).findings if one.step
    ]
    assert (finding.event, finding.step) == ("contradiction", 1)


def test_absences_are_the_trace_s() -> None:
    reply = events(**dict.fromkeys(ABSENCES, ABSENT))
    verdict = read_verdict(json.dumps(reply), judged())
    assert verdict.reward == 0.5
    assert all(finding.step is None for finding in verdict.findings)
