"""Worklists and comparisons: items and pairs handed out, judged, repeated, passed over."""

from __future__ import annotations

from typing import Any

from tests.golden.recorder import Recorder
from tests.golden.story_feedback import Feedback
from tests.golden.story_questions import Questions, question


def tell_worklists(recorder: Recorder) -> dict[str, str]:
    """Two raters work through a blind list and contradict each other; ids of the lists by name."""
    ask = recorder.ask
    answer = ask("worklists: list", "bob", "GET", "/api/worklists", 200).json()
    lists = {worklist["name"]: worklist["id"] for worklist in answer}
    ask("worklists: list as a viewer", "vic", "GET", "/api/worklists", 403)
    ask("worklists: next of no list", "bob", "POST", "/api/worklists/none/next", 404)
    raters = {name: Rater(recorder, name, lists["blind"]) for name in ("bob", "cyd")}
    raters["bob"].refusals()
    raters["bob"].judge("correct", "low")
    raters["bob"].judge("incorrect", "high")  # the same item comes again: nothing has to wash out
    raters["bob"].skip()
    for verdict in ("incorrect", "correct", "unsure", "not_assessable"):
        raters["cyd"].judge(verdict, "high")
    teaching = Rater(recorder, "bob", lists["teaching"], "teaching")
    teaching.judge("correct", None)
    ask("worklists: list at the end", "bob", "GET", "/api/worklists", 200)
    report = f"/api/worklists/{lists['blind']}/report.html"
    ask("worklists: report", "rex", "GET", report, 200)
    ask("worklists: report to a rater", "bob", "GET", report, 403)
    return lists


class Rater:
    """Somebody who works through a worklist."""

    def __init__(
        self, recorder: Recorder, account: str, worklist: str, name: str = "blind"
    ) -> None:
        self._recorder, self._account = recorder, account
        self._path = f"/api/worklists/{worklist}/next"
        self._number = 0
        self._name = f"{account} in {name}"
        self._feedback = Feedback(recorder, prefix=f"{self._name} ")

    def next(self) -> dict[str, Any]:
        """The item in hand, or the next."""
        self._number += 1
        answer = self._ask("next", "POST", self._path, 200)
        item: dict[str, Any] = answer.json()["item"]
        return item

    def judge(self, verdict: str, own: str | None) -> None:
        """Answer an item first, if it is blind, then judge the model's answer."""
        item = self.next()
        path = f"/api/worklist-items/{item['id']}"
        self._ask("see the item", "GET", path, 200)
        if own is not None:
            body = {"answer": own, "confidence": 3}
            item = self._ask("answer first", "POST", f"{path}/first-answer", 200, body).json()
        (completion,) = item["completions"]
        step = f"{self._name} {self._number}"
        self._feedback.give(step, self._account, completion["id"], "verdict", verdict=verdict)
        self._feedback.give(
            f"{step} labels",
            self._account,
            completion["id"],
            "labels",
            absences=["missing_knowledge"],
            steps=[],
        )
        self._ask("see it judged", "GET", path, 200)
        self._ask("see others", "GET", f"/api/completions/{completion['id']}/feedback", 200)
        self._ask("end", "POST", f"{path}/end", 200, {})

    def skip(self) -> None:
        """Pass an item over."""
        item = self.next()
        path = f"/api/worklist-items/{item['id']}/end"
        self._ask("skip", "POST", path, 200, {"skipped": True})

    def refusals(self) -> None:
        """What cannot be done with an item."""
        item = self.next()
        path = f"/api/worklist-items/{item['id']}"
        self._ask("end without a judgment", "POST", f"{path}/end", 409, {})
        self._ask("answer nothing", "POST", f"{path}/first-answer", 400, {"answer": ""})
        self._recorder.ask("worklists: another's item", "cyd", "GET", path, 404)

    def _ask(self, step: str, method: str, path: str, status: int, body: Any = None) -> Any:
        options = {} if body is None else {"json": body}
        name = f"worklists: {self._name} {self._number} {step}"
        return self._recorder.ask(name, self._account, method, path, status, **options)


def tell_comparisons(
    recorder: Recorder, asking: Questions, lists: dict[str, str], slide: str
) -> None:
    """Pairs voted on, undone, passed over, repeated; and a question of one's own answered twice."""
    ask = recorder.ask
    ask("comparisons: lists", "bob", "GET", "/api/comparisons", 200)
    ask("comparisons: lists as a viewer", "vic", "GET", "/api/comparisons", 403)
    ask("comparisons: next of no list", "bob", "POST", "/api/worklists/none/compare", 404)
    path = f"/api/worklists/{lists['pairs']}/compare"
    for account, choices in (("bob", ("left", "right", "tie")), ("cyd", ("both_bad", "left"))):
        for number, choice in enumerate(choices, 1):
            step = f"comparisons: {account} {number}"
            one = ask(f"{step} next", account, "POST", path, 200).json()["comparison"]
            vote(recorder, step, account, one["id"], choice)
    last = ask("comparisons: cyd 3 next", "cyd", "POST", path, 200).json()["comparison"]
    ask("comparisons: cyd skips", "cyd", "POST", f"/api/comparisons/{last['id']}/skip", 200)
    again = {"key": "after", "choice": "left"}
    vote_path = f"/api/comparisons/{last['id']}/vote"
    ask("comparisons: cyd votes on what was skipped", "cyd", "POST", vote_path, 409, json=again)
    body = question(slide, question="Which is it?", sampling={"seed": 0})
    own = ask("comparisons: ask", "ada", "POST", "/api/comparisons", 201, json=body).json()
    reading = recorder.clients["ada"].get("/api/readings?limit=1").json()[0]["id"]
    asking.finish("ada", reading)
    ask("comparisons: ask nothing", "ada", "POST", "/api/comparisons", 400, json={})
    vote(recorder, "comparisons: ada", "ada", own["id"], "right")
    undo(recorder, own["id"])


def vote(recorder: Recorder, step: str, account: str, comparison: str, choice: str) -> None:
    """Look at a pair and vote."""
    one = f"/api/comparisons/{comparison}"
    recorder.ask(f"{step} see", account, "GET", one, 200)
    recorder.ask(f"{step} maps", account, "GET", f"{one}/left/maps?first=0&stop=2", 200)
    body = {"key": step.removeprefix("comparisons: "), "choice": choice, "seconds": 4.5}
    if choice in ("left", "right"):
        body["reasons"] = ["right_answer_wrong_reason"]
    recorder.ask(f"{step} vote", account, "POST", f"{one}/vote", 200, json=body)


def undo(recorder: Recorder, comparison: str) -> None:
    """Take a vote back and vote anew; what cannot be done on the way."""
    ask, one = recorder.ask, f"/api/comparisons/{comparison}"
    for step, status, account, path, body in (
        ("vote twice", 409, "ada", "vote", {"key": "second", "choice": "left"}),
        ("skip what was voted on", 409, "ada", "skip", None),
        ("undo", 200, "ada", "undo", {"key": "undone"}),
        ("undo with the same key", 200, "ada", "undo", {"key": "undone"}),
        ("undo again", 409, "ada", "undo", {"key": "undone twice"}),
        ("vote for nothing", 400, "ada", "vote", {"key": "odd", "choice": "middle"}),
        ("vote anew", 200, "ada", "vote", {"key": "anew", "choice": "tie"}),
        ("vote for another", 404, "bob", "vote", {"key": "other", "choice": "tie"}),
    ):
        options = {} if body is None else {"json": body}
        ask(f"comparisons: {step}", account, "POST", f"{one}/{path}", status, **options)
    ask("comparisons: see another's", "bob", "GET", one, 404)
    ask("comparisons: maps of no side", "ada", "GET", f"{one}/top/maps", 400)
