"""Feedback of every kind on a question's answers: given, superseded, withdrawn, seen by others."""

from __future__ import annotations

from typing import Any

from tests.golden.recorder import Recorder

VERDICTS = ("correct", "partly_correct", "incorrect", "unsure", "not_assessable")
LABELS: dict[str, Any] = {
    "absences": ["missing_image_features"],
    "steps": [
        {
            "step": 0,
            "events": ["wrong_definition", "not_in_region"],
            "quote": "crowded",
            "step_class": "Reasoning",
        },
        {"step": 1, "events": []},
    ],
}


def completion_ids(recorder: Recorder, account: str, reading: str) -> list[str]:
    """Ids of the answers to a question."""
    question = recorder.clients[account].get(f"/api/readings/{reading}").raise_for_status().json()
    return [completion["id"] for completion in question["completions"]]


class Feedback:
    """Gives feedback under keys of its own."""

    def __init__(self, recorder: Recorder, prefix: str = "") -> None:
        self._recorder, self._prefix = recorder, prefix
        self._number = 0

    def give(
        self, step: str, account: str, completion: str, kind: str, status: int = 201, **said: Any
    ) -> None:
        """Give feedback of a kind."""
        self._number += 1
        body = {
            "key": f"{self._prefix}key {self._number}",
            "completion": completion,
            "kind": kind,
        } | said
        target = f"feedback: {step}", account, "POST", "/api/feedback", status
        self._recorder.ask(*target, json=body)


def tell_consent(recorder: Recorder) -> None:
    """Nobody judges before they have agreed to the licence of labels."""
    ask = recorder.ask
    body = {"key": "early", "completion": "none", "kind": "verdict", "verdict": "correct"}
    ask("feedback: judge before consent", "ada", "POST", "/api/feedback", 403, json=body)
    ask("service: ask for consent", "ada", "GET", "/consent?next=/compare", 200)
    ask("service: ask a viewer for consent", "vic", "GET", "/consent", 403)
    for account in ("ada", "bob", "cyd", "rex"):
        data = {"next": "/compare"}
        ask(f"service: {account} consents", account, "POST", "/consent", 303, data=data)
    ask("service: a viewer consents", "vic", "POST", "/consent", 403)


def tell_feedback(recorder: Recorder, ids: dict[str, str]) -> None:
    """Everything that can be said of an answer."""
    feedback = Feedback(recorder)
    (plain,) = completion_ids(recorder, "ada", ids["plain"])
    (options,) = completion_ids(recorder, "ada", ids["options"])
    one, other = completion_ids(recorder, "ada", ids["several"])
    tell_verdicts(feedback, plain, options, one)
    tell_labels(feedback, plain)
    tell_evidence(feedback, plain, options)
    pair: dict[str, Any] = {"other": other, "left": other, "choice": "right"}
    pair["reasons"] = ["missed_finding"]
    feedback.give("preference", "ada", one, "preference", **pair)
    feedback.give("preference of one", "ada", one, "preference", 400, **pair | {"other": one})
    tell_keys(recorder, plain)
    path = f"/api/completions/{plain}/feedback"
    for account, status in (("ada", 200), ("rex", 200), ("bob", 404)):
        recorder.ask(f"feedback: seen by {account}", account, "GET", path, status)
    report = f"/api/readings/{ids['plain']}/report.html"
    recorder.ask("feedback: own report", "ada", "GET", report, 200)


def tell_verdicts(feedback: Feedback, plain: str, options: str, other: str) -> None:
    """Every verdict, each in place of the one before."""
    for number, verdict in enumerate(VERDICTS):
        more: dict[str, Any] = {"confidence": number + 1, "seconds": 2.5}
        more["overlay_seen"] = number % 2 == 0
        feedback.give(f"verdict {verdict}", "ada", plain, "verdict", verdict=verdict, **more)
    more = {"corrected_answer": "Benign", "comment": "The glands are regular."}
    feedback.give("verdict with comment", "ada", options, "verdict", verdict="incorrect", **more)
    feedback.give("unsuitable", "ada", other, "verdict", verdict="unsuitable_question")
    feedback.give("as a researcher", "rex", plain, "verdict", verdict="incorrect")
    feedback.give("verdict of no word", "ada", plain, "verdict", 400, verdict="maybe")
    feedback.give("another's answer", "bob", plain, "verdict", 404, verdict="correct")
    feedback.give("as a viewer", "vic", plain, "verdict", 403, verdict="correct")


def tell_labels(feedback: Feedback, plain: str) -> None:
    """Labels of steps, and steps rewritten or struck out."""
    feedback.give("labels", "ada", plain, "labels", **LABELS)
    wrong = [{"step": 0, "events": [], "quote": "not there"}]
    feedback.give("labels of no words", "ada", plain, "labels", 400, absences=[], steps=wrong)
    edits = [{"step": 0, "text": "Step 1: Glands are regular."}, {"step": 1, "text": None}]
    feedback.give("edit", "ada", plain, "edited_trace", edited_steps=edits)
    tag = [{"step": 0, "text": "<think>"}]
    feedback.give("edit with a tag", "ada", plain, "edited_trace", 400, edited_steps=tag)


def tell_evidence(feedback: Feedback, plain: str, options: str) -> None:
    """Where the model should have looked."""
    box: dict[str, Any] = {"x": 120, "y": 100, "width": 40, "height": 30}
    feedback.give("evidence", "ada", plain, "evidence", box=box)
    points = [[120, 100], [160, 100], [140, 130]]
    feedback.give("evidence with outline", "ada", plain, "evidence", box=box, points=points)
    feedback.give("evidence withdrawn", "ada", options, "evidence", box=None)
    feedback.give("evidence outside", "ada", plain, "evidence", 400, box=box | {"x": 9_999})


def tell_keys(recorder: Recorder, plain: str) -> None:
    """The same key keeps feedback once, and no other feedback."""
    again = {"key": "twice", "completion": plain, "kind": "verdict", "verdict": "correct"}
    for status in (201, 200):
        step = f"feedback: same key {status}"
        recorder.ask(step, "ada", "POST", "/api/feedback", status, json=again)
    changed = again | {"verdict": "unsure"}
    recorder.ask("feedback: key used anew", "ada", "POST", "/api/feedback", 409, json=changed)
