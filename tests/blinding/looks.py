"""Every route that only reads: each response is scanned, and its numbers are compared with what the
policy lets the reader see."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from typing import Any

from pathviewer.export.formats import rater_name
from pathviewer.feedback.vocabulary import VERDICTS as WORDS
from pathviewer.feedback.vocabulary import spoken
from pathviewer.insights.charts import CHARTS
from storage.blinding.policy import Content, Decision, decide
from storage.feedback.vocabulary import UNDONE
from tests.blinding.acts import Acts
from tests.blinding.catalogue import Completion, Question, Slide, Worklist
from tests.blinding.charts import (
    BOUNDED,
    INEXACT,
    NAMES_KNOWN,
    ChartFilters,
    comparable_rows,
    expected_rows,
)
from tests.blinding.in_process import Response
from tests.blinding.oracle import VOTE, Comparison, Feedback
from tests.blinding.scanner import read_text
from tests.blinding.site import query
from tests.blinding.stage import Request, Stage
from tests.blinding.tokens import find_tokens

CHECKS = ("/maps", "/deletion", "/evidence", "/stored evidence")
"""Routes of an answer's maps and checks."""
ANSWER_ROUTES = ("/report.html", *CHECKS)
QUESTION_ROUTES = ("", "/events", "/picture.png", "/stop", *ANSWER_ROUTES)
"""Those that show completions or nothing."""
EXPORT_SECONDS = 20.0


class Looks:
    """Looks of the actors on a stage."""

    def __init__(self, stage: Stage, acts: Acts) -> None:
        self.stage = stage
        self.oracle = stage.oracle
        self.made = stage.oracle.made
        self._acts = acts

    # questions

    def question(self, actor: str, question: Question, route: str, *, gradio: bool) -> None:
        """Open a question by its id, in one of its forms."""
        request = _question_request(question, route)
        answer = self.stage.look(actor, request, gradio=gradio)
        decision = self._answers(actor, question)
        content = Content.answers if route in ANSWER_ROUTES else Content.question
        access = self._decide(actor, question, content)
        if answer.is_good and not access.is_visible:
            self.stage.differ(f"LEAK access ({access.access}) by", actor, request)
        if route in ("", "/picture.png") and access.is_visible and not answer.is_good:
            self.stage.differ("REFUSED question by", actor, request, answer.error)
        if route == "" and decision.is_visible:
            wanted = set().union(*(each.tokens for each in question.completions))
            self._check_offered(actor, request, answer, "answers", wanted)

    def _answers(self, actor: str, question: Question) -> Decision:
        return self._decide(actor, question, Content.answers)

    def _decide(self, actor: str, question: Question, content: Content) -> Decision:
        state = self.oracle.state(actor, question)
        return decide(content, self.oracle.viewer(actor), question.mode, state)

    def _check_offered(
        self, actor: str, request: Request, answer: Response, what: str, wanted: set[str]
    ) -> None:
        """What the policy lets see, and the route offers, is there."""
        missing = wanted - find_tokens(read_text(answer.body))
        if missing or not answer.is_good:
            self.stage.differ(f"REFUSED {what} in", actor, request, answer.error)

    def own_questions(self, actor: str, *, gradio: bool) -> None:
        """List one's own questions."""
        request = Request("GET", "/api/readings?limit=100", None, "readings", {"limit": 100})
        self.stage.look(actor, request, gradio=gradio)

    def service(self, actor: str) -> None:
        """Everything about the model, the templates and the slides."""
        slides = [f"/api/slides/{each}" for each in self.made.slides]
        for path in ("/api/model", "/api/questions", "/api/me", "/api/slides", *slides):
            self.stage.look(actor, Request("GET", path))

    # feedback

    def feedback(self, actor: str, completion: Completion, *, gradio: bool) -> None:
        """See the feedback on a completion."""
        path = f"/api/completions/{completion.id}/feedback"
        request = Request("GET", path, None, "judgments", {"completion": completion.id})
        answer = self.stage.look(actor, request, gradio=gradio)
        question = self.made.questions[completion.question]
        decision = self._answers(actor, question)
        if not answer.is_good:
            if decision.is_visible and self.oracle.viewer(actor).rates:
                self.stage.differ("REFUSED feedback in", actor, request, answer.error)
            return
        if not decision.is_visible:
            self.stage.differ(f"LEAK access ({decision.access}) by", actor, request)
        self._check_feedback(actor, request, completion, answer.json())

    def _check_feedback(
        self, actor: str, request: Request, completion: Completion, shown: dict[str, Any]
    ) -> None:
        sees = self.oracle.sees(
            actor, Content.feedback, completion.question, completion=completion.id
        )
        if (shown["others"] is not None) and not sees:
            self.stage.differ("LEAK others' feedback in", actor, request)
        elif shown["others"] is None and sees:
            self.stage.differ("REFUSED others' feedback in", actor, request)
        given = [
            each
            for each in self.oracle.current()
            if each.completion == completion.id and each.kind == "verdict"
        ]
        expected = Counter(each.fields["verdict"] for each in given if each.rater != actor)
        found = Counter(
            each["verdict"]["verdict"] for each in shown["others"] or () if each["verdict"]
        )
        if sees and found != expected:
            self.stage.differ("other verdicts in", actor, request, f"{found} for {expected}")
        own = [
            each.fields["verdict"]
            for each in given
            if each.rater == actor and self.oracle.sees_feedback(actor, each)
        ]
        verdict = shown["own"]["verdict"]
        if ([verdict["verdict"]] if verdict else []) != own:
            self.stage.differ("own verdict in", actor, request, f"{verdict} for {own}")

    # worklists

    def worklists(self, actor: str, *, gradio: bool) -> None:
        """List the worklists."""
        self.stage.look(actor, Request("GET", "/api/worklists", None, "worklists"), gradio=gradio)

    def item(self, actor: str, item: str) -> None:
        """See an item."""
        request = Request("GET", f"/api/worklist-items/{item}")
        answer = self.stage.look(actor, request)
        turn = self.oracle.latest(actor, item)
        if turn is None or not self.oracle.viewer(actor).rates:  # the route is for raters alone
            return
        question = self.made.questions[self.made.items[item]]
        shown = answer.json()
        decision = self._answers(actor, question)
        if not decision.is_visible:
            if shown.get("reading") or shown.get("completions"):
                self.stage.differ(f"LEAK access ({decision.access}) by", actor, request)
            return
        wanted = set().union(*(each.tokens for each in question.completions))
        if question.worklist and question.worklist.teaching:  # other lists teach nothing
            wanted |= {
                token
                for token, questions in self.made.references.items()
                if question.id in questions and self.oracle.sees_secret(actor, token)
            }
        self._check_offered(actor, request, answer, "item", wanted)

    def worklist_report(self, actor: str, worklist: Worklist, *, gradio: bool) -> None:
        """Print a worklist."""
        path = f"/api/worklists/{worklist.id}/report.html"
        request = Request("GET", path, None, "worklist_report", {"worklist": worklist.id})
        answer = self.stage.look(actor, request, gradio=gradio)
        if not answer.is_good:
            return
        visible = [
            each
            for each in self.oracle.current()
            if each.kind not in (VOTE, "evidence") and self._is_reported(actor, worklist, each)
        ]
        verdicts = Counter(each.fields["verdict"] for each in visible if each.kind == "verdict")
        text = read_text(answer.body)
        for verdict in WORDS:
            count = f"{verdicts[verdict]} {spoken(verdict)}"
            found = _count_before(text, spoken(verdict))
            if found != verdicts[verdict]:
                side = "LEAK" if found > verdicts[verdict] else "REFUSED"
                said = f"{found} where {count}"
                self.stage.differ(f"{side} count of verdicts in", actor, request, said)
        wanted = {token for each in visible for token in find_tokens(str(each.fields))}
        self._check_offered(actor, request, answer, "feedback", wanted)

    def _is_reported(self, actor: str, worklist: Worklist, given: Feedback) -> bool:
        """Whether a report of the list shows feedback: with the completion that it is about."""
        question = self.made.questions[self.made.completions[given.completion].question]
        return (
            question.worklist == worklist
            and question.is_of_item
            and self.oracle.sees_feedback(actor, given)
            and self.oracle.sees_answers(actor, question.id)
        )

    # comparisons

    def comparisons(self, actor: str, *, gradio: bool) -> None:
        """List the worklists with pairs."""
        request = Request("GET", "/api/comparisons", None, "comparisons")
        self.stage.look(actor, request, gradio=gradio)

    def comparison(self, actor: str, one: Comparison, *, gradio: bool) -> None:
        """See a comparison, also another's."""
        path = f"/api/comparisons/{one.id}"
        request = Request("GET", path, None, "comparison", {"comparison": one.id})
        answer = self.stage.send(actor, request, gradio=gradio)
        document = answer.json() if answer.is_good else None
        self._acts.scan_comparison(actor, request, answer, document)

    def side_maps(self, actor: str, one: Comparison, side: str, *, gradio: bool) -> None:
        """See the maps of a side."""
        path = f"/api/comparisons/{one.id}/{side}/maps"
        arguments = {"comparison": one.id, "side": side}
        self.stage.look(actor, Request("GET", path, None, "side_maps", arguments), gradio=gradio)

    # the slide, and all feedback

    def slide_map(self, actor: str, slide: Slide, *, gradio: bool) -> None:
        """See the questions on a slide with verdicts and evidence regions."""
        path = f"/api/slides/{slide.id}/map"
        request = Request("GET", path, None, "slide_map", {"slide": slide.id})
        answer = self.stage.look(actor, request, gradio=gradio)
        if not answer.is_good:
            return
        self._check_listed(actor, request, slide, answer.json())
        for entry in answer.json()["questions"]:
            question = self.made.questions.get(entry["reading"])
            if question is None:
                self.stage.differ("unknown question in", actor, request, entry["reading"])
                continue
            ids = {each.id for each in question.completions}
            visible = [
                each
                for each in self.oracle.current()
                if each.completion in ids
                and each.kind in ("verdict", "evidence")
                and self.oracle.sees_feedback(actor, each)
            ]
            self._check_entry(actor, request, entry, visible)

    def _check_listed(
        self, actor: str, request: Request, slide: Slide, shown: dict[str, Any]
    ) -> None:
        """The questions on the map are those that the actor may know of."""
        listed = {each["reading"] for each in shown["questions"]}
        for question in self.made.questions.values():
            if question.slide != slide:
                continue
            known = self._decide(actor, question, Content.question)
            if question.id in listed and not known.is_visible:
                self.stage.differ(f"LEAK question ({known.access}) in", actor, request)

    def _check_entry(
        self, actor: str, request: Request, entry: dict[str, Any], visible: list[Feedback]
    ) -> None:
        verdicts = {each.fields["verdict"] for each in visible if each.kind == "verdict"}
        verdict = None if not verdicts else "mixed" if len(verdicts) > 1 else min(verdicts)
        if entry["verdict"] != verdict:
            said = f"{entry['verdict']} for {verdict}"
            self.stage.differ("verdict on the map in", actor, request, said)
        boxes = Counter(
            tuple(each.fields["box"].values()) for each in visible if each.kind == "evidence"
        )
        found = Counter(
            tuple(each["box"][side] for side in ("x", "y", "width", "height"))
            for each in entry["evidence"]
        )
        if found - boxes:
            self.stage.differ("LEAK evidence in", actor, request)
        if boxes - found:
            self.stage.differ("REFUSED evidence in", actor, request)

    def insights(self, actor: str, filters: ChartFilters, *, gradio: bool) -> None:
        """See every chart."""
        select = self._select(filters)
        path = query("/api/insights", **select)
        request = Request("GET", path, None, "insights", {"select": select})
        answer = self.stage.look(actor, request, gradio=gradio)
        if not answer.is_good:
            return
        expected = expected_rows(self.oracle, actor, filters, list(CHARTS))
        for chart in answer.json()["charts"]:
            self._check_chart(actor, request, chart, expected[chart["name"]])
        self._check_withheld(actor, request, answer.json()["withheld"])

    def chart(self, actor: str, name: str, filters: ChartFilters) -> None:
        """See one chart's numbers as CSV."""
        path = query(f"/api/insights/{name}.csv", **self._select(filters))
        request = Request("GET", path)
        answer = self.stage.look(actor, request)
        if not answer.is_good:
            return
        columns, *rows = csv.reader(io.StringIO(answer.body.decode()))
        expected = expected_rows(self.oracle, actor, filters, [name])[name]
        keep = [place for place, head in enumerate(columns) if head not in INEXACT]
        found = [[_number(row[place]) for place in keep] for row in rows if row[0] != NAMES_KNOWN]
        self._compare(actor, request, name, sorted(found, key=str), expected)

    def _select(self, filters: ChartFilters) -> dict[str, str]:
        """The filters as the query has them; a rater without feedback is no choice."""
        rater = filters.rater
        given = {
            "slide": filters.slide,
            "model": filters.model,
            "rater": rater and rater_name(self.made.accounts[rater]),
        }
        return {name: value for name, value in given.items() if value}

    def _check_chart(
        self, actor: str, request: Request, chart: dict[str, Any], expected: list[list[Any]]
    ) -> None:
        self._compare(actor, request, chart["name"], comparable_rows(chart), expected)

    def _compare(
        self,
        actor: str,
        request: Request,
        name: str,
        found: list[list[Any]],
        expected: list[list[Any]],
    ) -> None:
        found = [[_number(cell) for cell in row] for row in found]
        expected = [[_number(cell) for cell in row] for row in expected]
        if name in BOUNDED:
            by_rater = {row[0]: row for row in expected}
            fits = all(
                row[0] in by_rater
                and all(
                    cell <= most for cell, most in zip(row[1:], by_rater[row[0]][1:], strict=True)
                )
                for row in found
            )
        else:
            fits = _agree(sorted(found, key=str), sorted(expected, key=str))
        if not fits:
            self.stage.differ(f"chart {name} in", actor, request, f"{found} for {expected}")

    def _check_withheld(self, actor: str, request: Request, count: int) -> None:
        """The number of current records that the reader may not see, without undone votes."""
        hidden = [
            each
            for each in self.oracle.current()
            if each.fields.get("choice") != UNDONE and not self.oracle.sees_feedback(actor, each)
        ]
        if count != len(hidden):
            self.stage.differ("withheld in", actor, request, f"{count} for {len(hidden)}")

    def export_choices(self, actor: str, *, gradio: bool) -> None:
        """See by what exports can be filtered."""
        request = Request("GET", "/api/exports/choices", None, "export_choices")
        answer = self.stage.look(actor, request, gradio=gradio)
        if answer.is_good:
            self._check_withheld(actor, request, answer.json()["withheld"])

    def export(self, actor: str, wish: dict[str, Any], *, gradio: bool) -> None:
        """Export, and unpack the archive."""
        body = {"splits": "1,0,0", "comments": True, "licence": "CC0-1.0", **wish}
        request = Request("POST", "/api/exports", body, "export", body)
        answer = self.stage.look(actor, request, gradio=gradio)
        if not answer.is_good:
            return
        document, until = answer.json(), time.monotonic() + EXPORT_SECONDS
        job = document[-1] if isinstance(document, list) else document
        state = Request("GET", f"/api/exports/{job['id']}")
        while job["state"] == "running" and time.monotonic() < until:
            time.sleep(0.005)
            job = self.stage.site.call(actor, "GET", state.path).json()
        self.stage.look(actor, state)
        self.stage.look(actor, Request("GET", "/api/exports"))
        if job["state"] == "done":
            archive = Request("GET", f"{state.path}.zip")
            packed = self.stage.look(actor, archive, shown=self._compared_words(actor))
            self._check_export(actor, archive, wish, packed)

    def _compared_words(self, actor: str) -> set[str]:
        """Texts of pairs with votes that the actor sees: a vote is exported with them.

        That also holds while a vote on another pair with one of them is open.
        """
        votes = [each for each in self.oracle.current() if each.kind == VOTE]
        visible = [
            each.pair
            for each in votes
            if self.oracle.sees_feedback(actor, each) and self.oracle.sees_sides(actor, each.pair)
        ]
        return {
            token for pair in visible for one in pair for token in self.made.completions[one].tokens
        }

    def _check_export(
        self, actor: str, request: Request, wish: dict[str, Any], packed: Response
    ) -> None:
        """Each visible verdict of right and wrong stands in an unpaired export of everything."""
        if wish != {"format": "unpaired", "rule": "each", "teaching": True}:
            return
        wanted = {
            token
            for each in self.oracle.current()
            if each.kind == "verdict"
            and each.fields["verdict"] in ("correct", "incorrect")
            and self.oracle.sees_feedback(actor, each)
            for token in find_tokens(str(each.fields["comment"]))
        }
        self._check_offered(actor, request, packed, "comments", wanted)

    # the service

    def audit(self, actor: str, *, gradio: bool) -> None:
        """Read the audit log."""
        path, arguments = "/api/audit?after=0&limit=1000", {"after": 0, "limit": 1000}
        self.stage.look(actor, Request("GET", path, None, "audit", arguments), gradio=gradio)

    def metrics(self, actor: str) -> None:
        """Read the metrics."""
        self.stage.look(actor, Request("GET", "/api/metrics"))


def _question_request(question: Question, route: str) -> Request:
    path, reading = f"/api/readings/{question.id}", {"reading": question.id}
    if route == "/maps":
        return Request("GET", f"{path}/completions/0/maps", None, "maps", reading)
    if route == "/deletion":
        body = {"passage": "all"}
        return Request("POST", f"{path}/completions/0/deletion", body, "check", reading)
    if route == "/evidence":
        return Request("POST", f"{path}/completions/0/evidence", {}, "evidence", reading)
    if route == "/stored evidence":
        return Request("GET", f"{path}/completions/0/evidence")
    if route == "/stop":
        return Request("POST", f"{path}/stop", None, "stop", reading)
    endpoint = {"": "reading", "/report.html": "report"}.get(route, "")
    return Request("GET", path + route, None, endpoint, reading, stream=route == "/events")


def _count_before(text: str, word: str) -> int:
    """The number before a verdict on the cover of a report."""
    cover = text.partition("Verdicts shown here")[2].partition("</tr>")[0].partition("Rules")[0]
    for part in cover.replace("<", ";<").replace(">", ">;").split(";"):
        count, _, name = part.strip().partition(" ")
        if name == word and count.isdecimal():
            return int(count)
    return 0


def _number(cell: Any) -> Any:
    """A cell as CSV and JSON have it alike."""
    if cell is None or cell == "":
        return None
    try:
        return round(float(cell), 2)
    except (TypeError, ValueError):
        return cell


def _agree(found: list[list[Any]], expected: list[list[Any]]) -> bool:
    """Whether cells are the same, numbers to two decimals."""
    if len(found) != len(expected):
        return False
    return all(
        len(one) == len(other) and all(map(_same, one, other))
        for one, other in zip(found, expected, strict=True)
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 0.011
    return bool(one == other)
