"""Everything that an actor can do, and how the oracle notes what succeeded."""

from __future__ import annotations

import json
from typing import Any

from storage.blinding.policy import Content
from storage.feedback.vocabulary import UNDONE
from tests.blinding.catalogue import Completion, Question, Worklist
from tests.blinding.in_process import Response
from tests.blinding.oracle import VOTE, Assignment, Comparison, Feedback, Secret
from tests.blinding.scanner import read_text
from tests.blinding.site import OWN_QUESTIONS, own_words
from tests.blinding.stage import Request, Stage
from tests.blinding.tokens import find_tokens, new_token

VERDICTS = ("correct", "incorrect", "partly_correct", "unsure")
KINDS = ("verdict", "labels", "edited_trace", "evidence")
CHOICES = ("left", "right", "tie", "both_bad")
SECONDS = 2.0


class Acts:
    """Acts on a stage; each scans the response with what is then known."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.oracle = stage.oracle
        self.made = stage.oracle.made
        self._keys = 0
        self._asked = 0

    # worklist items

    def next_item(self, actor: str, worklist: Worklist, *, washed_out: bool, gradio: bool) -> None:
        """Take the next item."""
        request = Request(
            "POST",
            f"/api/worklists/{worklist.id}/next",
            endpoint="next_item",
            arguments={"worklist": worklist.id},
        )
        answer = self._washed(actor, request, washed_out=washed_out, gradio=gradio)
        item = answer.json()["item"] if answer.is_good else None
        if item is not None:
            turn = self.oracle.latest(actor, item["id"])
            if turn is None or turn.round != item["round"]:
                at = self.stage.act("repeat" if item["round"] else "assignment")
                new = Assignment(item["id"], actor, item["round"], at)
                self.oracle.assignments.append(new)
        self.stage.scan(actor, request, answer)

    def answer_item(self, actor: str, turn: Assignment, *, gradio: bool) -> None:
        """Answer an item first."""
        token, confidence = new_token(), 1 + self.oracle.now % 5
        said: dict[str, Any] = {"answer": f"I say {token}", "confidence": confidence}
        request = Request(
            "POST",
            f"/api/worklist-items/{turn.item}/first-answer",
            said,
            "answer_item",
            {"item": turn.item, **said},
        )
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            own = self.oracle.latest(actor, turn.item)
            assert own is not None, "only the account's own item can be answered"
            at = self.stage.act("answer first")
            own.answer, own.confidence = said["answer"], confidence
            question = self.made.items[turn.item]
            self.oracle.plant(token, Secret(Content.first_answers, actor, question, at=at))
        self.stage.scan(actor, request, answer)

    def end_item(self, actor: str, item: str, *, skipped: bool, gradio: bool) -> None:
        """End an item, or skip it."""
        body = {"skipped": skipped}
        path = f"/api/worklist-items/{item}/end"
        request = Request("POST", path, body, "end_item", {"item": item, **body})
        answer = self.stage.send(actor, request, gradio=gradio)
        turn = self.oracle.latest(actor, item)
        if answer.is_good and turn is not None and not turn.ended:
            self.stage.act("skip" if skipped else "end")
            rated = self._has_rated(actor, turn)
            turn.ended, turn.skipped = True, skipped and not rated
        self.stage.scan(actor, request, answer)

    def _has_rated(self, actor: str, turn: Assignment) -> bool:
        """Whether an item's assignment has feedback, so that it is not marked as skipped."""
        ids = {each.id for each in self.made.questions[self.made.items[turn.item]].completions}
        return any(
            each.rater == actor
            and each.at >= turn.at
            and each.kind in ("verdict", VOTE)
            and each.fields.get("choice") != UNDONE
            and ids & {each.completion, each.other}
            for each in self.oracle.feedback
        )

    # feedback

    def judge(self, actor: str, completion: Completion, kind: str, pick: int, gradio: bool) -> None:
        """Give feedback of one kind."""
        comment, token = new_token(), new_token()
        said = {"comment": f"I note {comment}", "seconds": SECONDS, **_said(kind, token, pick)}
        request = self._feedback_request(completion.id, kind, said)
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            at = self.stage.act(kind)
            given = Feedback(actor, kind, completion.id, at, said, day=_day(answer))
            self.oracle.feedback.append(given)
            for one in find_tokens(str(said)):
                self.oracle.plant(one, self.oracle.secret_of(given))
        self.stage.scan(actor, request, answer)

    def prefer(self, actor: str, one: Completion, other: Completion, choice: str) -> None:
        """Vote on any two completions."""
        comment = new_token()
        said = {"other": other.id, "left": one.id, "choice": choice, "seconds": SECONDS}
        said["comment"] = f"I prefer {comment}"
        request = self._feedback_request(one.id, VOTE, said)
        answer = self.stage.send(actor, request)
        if answer.is_good:
            at = self.stage.act("preference")
            self._add_vote(actor, one.id, other.id, at, said, one.id, answer, comment)
        self.stage.scan(actor, request, answer)

    def _feedback_request(self, completion: str, kind: str, said: dict[str, Any]) -> Request:
        named = {"completion": completion, "kind": kind}
        key = self._key()
        arguments = {**named, "key": key, "said": said}
        return Request("POST", "/api/feedback", {**named, "key": key, **said}, "judge", arguments)

    def _add_vote(
        self,
        actor: str,
        one: str,
        other: str,
        at: int,
        said: dict[str, Any],
        left: str,
        answer: Response,
        comment: str = "",
    ) -> Feedback:
        vote = Feedback(actor, VOTE, one, at, said, other, left, _day(answer))
        self.oracle.feedback.append(vote)
        if comment:
            self.oracle.plant(comment, self.oracle.secret_of(vote))
        return vote

    # comparisons

    def next_pair(self, actor: str, worklist: Worklist, *, washed_out: bool, gradio: bool) -> None:
        """Take the next pair."""
        request = Request(
            "POST",
            f"/api/worklists/{worklist.id}/compare",
            endpoint="next_pair",
            arguments={"worklist": worklist.id},
        )
        answer = self._washed(actor, request, washed_out=washed_out, gradio=gradio)
        shown = answer.json()["comparison"] if answer.is_good else None
        if shown is not None and self.find_comparison(shown["id"]) is None:
            at = self.stage.act("pair again" if shown["round"] else "pair")
            left, right = (self._find_side(shown, side) for side in ("left", "right"))
            one, other = sorted((left, right))
            self.oracle.comparisons.append(
                Comparison(shown["id"], actor, shown["round"], at, (one, other), left=left)
            )
        self.scan_comparison(actor, request, answer, shown)

    def _find_side(self, shown: dict[str, Any], side: str) -> str:
        """The completion on a side, by the word in its text."""
        (token,) = find_tokens(shown["sides"][side]["text"])
        drawn = {one for pair in self.made.pairs for one in pair}
        (found,) = [each for each in drawn if token in self.made.completions[each].tokens]
        return found

    def vote(self, actor: str, one: Comparison, choice: str, *, gradio: bool) -> None:
        """Vote on a comparison."""
        comment, key = new_token(), self._key()
        said = {"choice": choice, "seconds": SECONDS, "comment": f"I chose {comment}"}
        request = Request(
            "POST",
            f"/api/comparisons/{one.id}/vote",
            {"key": key, **said},
            "vote",
            {"comparison": one.id, "key": key, **said},
        )
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            assert actor == one.rater, "only the account's own comparison can be voted on"
            at = self.stage.act("vote")
            first, second = one.pair or self._own_pair(one)
            one.vote = self._add_vote(actor, first, second, at, said, one.left, answer, comment)
        self.scan_comparison(actor, request, answer, _document(answer))

    def undo(self, actor: str, one: Comparison, *, gradio: bool) -> None:
        """Undo a vote."""
        key = self._key()
        request = Request(
            "POST",
            f"/api/comparisons/{one.id}/undo",
            {"key": key},
            "undo_vote",
            {"comparison": one.id, "key": key},
        )
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            at = self.stage.act("undo")
            first, second = one.pair or self._own_pair(one)
            self._add_vote(actor, first, second, at, {"choice": UNDONE}, one.left, answer)
            one.vote = None
        self.scan_comparison(actor, request, answer, _document(answer))

    def skip_pair(self, actor: str, one: Comparison, *, gradio: bool) -> None:
        """Skip a pair."""
        path = f"/api/comparisons/{one.id}/skip"
        request = Request("POST", path, None, "skip_pair", {"comparison": one.id})
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            self.stage.act("skip pair")
            one.skipped = True
        self.scan_comparison(actor, request, answer, _document(answer))

    def scan_comparison(
        self, actor: str, request: Request, answer: Response, document: Any
    ) -> None:
        """Scan a comparison: its sides' texts stand there; names, votes and draw follow the policy.

        `document` is the comparison in the response; None without one.
        """
        one = self.find_comparison(document["id"]) if document else None
        shows = one is not None and (one.pair is None or self.oracle.sees_sides(actor, one.pair))
        texts = find_tokens(str(document["sides"])) if shows else set()
        self.stage.scan(actor, request, answer, shown=texts)
        if document:
            assert one is not None, "every comparison is known"
            self._check_comparison(actor, request, one, document)

    def _name_models(self, one: Comparison) -> set[str]:
        """Names and revisions of a pair's models."""
        ids = {self.made.completions[each].question for each in one.pair or ()}
        questions = [self.made.questions[each] for each in ids]
        return {name for each in questions for name in (each.model, each.revision) if name}

    def _check_comparison(
        self, actor: str, request: Request, one: Comparison, document: dict[str, Any]
    ) -> None:
        if one.pair is None:
            return
        question = self.made.completions[one.pair[0]].question
        sees_names = self.oracle.sees(actor, Content.names, question, pair=one.pair)
        named = document["names"] is not None or document["drawn"] is not None
        named |= any(f'"{name}"' in json.dumps(document) for name in self._name_models(one))
        if named and not sees_names:
            self.stage.differ("LEAK names in", actor, request)
        if one.vote is None:
            return
        if sees_names and not named:
            self.stage.differ("REFUSED names in", actor, request)
        sees_votes = self.oracle.sees(actor, Content.votes, question, pair=one.pair)
        others = [
            each
            for each in self.oracle.comparisons
            if each.pair == one.pair and each.rater != actor and each.vote
        ]
        raters = {each.rater for each in others} if sees_votes else set()
        if len(document["others"] or ()) > len(raters):
            self.stage.differ("LEAK votes in", actor, request)
        if len(document["others"] or ()) < len(raters):
            self.stage.differ("REFUSED votes in", actor, request)

    def find_comparison(self, id_: str) -> Comparison | None:
        """A comparison by id."""
        return next((each for each in self.oracle.comparisons if each.id == id_), None)

    def _own_pair(self, one: Comparison) -> tuple[str, str]:
        first, second = sorted(each.id for each in self.made.questions[one.question].completions)
        return first, second

    # questions

    def ask(self, actor: str, *, count: int, blind: bool, gradio: bool) -> None:
        """Ask a question of one's own."""
        body = {**self._question_body(), "count": count, "blind": blind}
        request = Request("POST", "/api/readings", body, "" if blind else "ask", body)
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            document = answer.json()
            id_ = document[-1]["id"] if isinstance(document, list) else document["id"]
            self.add_question(actor, id_, blind=blind)
        self.stage.scan(actor, request, answer)

    def again(self, actor: str, former: Question, *, gradio: bool) -> None:
        """Repeat a question."""
        path = f"/api/readings/{former.id}/again"
        endpoint = "" if former.blind else "again"
        request = Request("POST", path, None, endpoint, {"reading": former.id})
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            document = answer.json()
            id_ = document[-1]["id"] if isinstance(document, list) else document["id"]
            self.add_question(actor, id_, blind=former.blind)
            self._check_access(actor, request, former)
        self.stage.scan(actor, request, answer)

    def ask_pair(self, actor: str, *, gradio: bool) -> None:
        """Ask for two answers to compare."""
        body = self._question_body()
        request = Request("POST", "/api/comparisons", body, "compare", body)
        answer = self.stage.send(actor, request, gradio=gradio)
        document = answer.json() if answer.is_good else None
        if isinstance(document, list):
            document = document[-1]
        if document is not None:
            question = self.add_question(actor, document["reading"], blind=False)
            at, first = self.oracle.now, question.completions
            left = first[1 if document["flipped"] else 0].id
            self.oracle.comparisons.append(
                Comparison(document["id"], actor, 0, at, None, question.id, left=left)
            )
        self.stage.scan(actor, request, answer)

    def answer_own(self, actor: str, question: Question, *, gradio: bool) -> None:
        """Answer a blind question of one's own first."""
        token, confidence = new_token(), 1 + self.oracle.now % 5
        said: dict[str, Any] = {"answer": f"I think {token}", "confidence": confidence}
        request = Request(
            "POST",
            f"/api/readings/{question.id}/first-answer",
            said,
            "first_answer",
            {"reading": question.id, **said},
        )
        answer = self.stage.send(actor, request, gradio=gradio)
        if answer.is_good:
            assert actor == question.asker, "only who asked may answer first"
            at = self.stage.act("answer own first")
            self.oracle.first_answers[question.id] = (said["answer"], confidence, at)
            self.oracle.plant(token, Secret(Content.first_answers, actor, question.id, at=at))
        self.stage.scan(actor, request, answer)

    def add_question(self, actor: str, id_: str, *, blind: bool) -> Question:
        """Note a question once its completions are there."""
        self.stage.act("ask")
        self.stage.site.wait()
        ((slide, model, revision),) = self.stage.site.rows(
            "SELECT slide_id, model, model_revision FROM questions WHERE id = ?", id_
        )
        question = Question(id_, self.made.slides[slide], model, revision, actor, blind)
        self.made.add_question(self.stage.site, question)
        for each in question.completions:
            self.oracle.add_answers(each)
        return question

    def _check_access(self, actor: str, request: Request, question: Question) -> None:
        if not self.oracle.sees_answers(actor, question.id) and not question.blind:
            self.stage.differ("LEAK access by", actor, request)

    def _question_body(self) -> dict[str, Any]:
        """A question that nobody has asked in this example."""
        slides = list(self.made.slides)
        slide = slides[self._asked % len(slides)]
        words = own_words(self._asked % OWN_QUESTIONS)
        self._asked += 1
        box = {"x": 0, "y": 0, "width": 60, "height": 40}
        return {"slide": slide, "box": box, "question": words}

    # the site's upkeep

    def withdraw_case(self, case: str) -> None:
        """Withdraw a case with all questions on its slide."""
        ((name,),) = self.stage.site.rows("SELECT name FROM cases WHERE id = ?", case)
        self.stage.site.withdraw(case=name)
        self.stage.story.append(f"withdraw case {name}")
        self.stage.act("withdraw case")
        self.oracle.withdraw_case(case)
        self.oracle.tick()

    def withdraw_rater(self, actor: str) -> None:
        """Withdraw everything of an actor."""
        self.stage.site.withdraw(rater=actor)
        self.stage.story.append(f"withdraw rater {actor}")
        self.stage.act("withdraw rater")
        self.oracle.withdraw_rater(actor)
        self.oracle.tick()

    def retire(self, actor: str) -> None:
        """End an actor's role as a rater."""
        self.stage.site.retire(actor)
        self.stage.story.append(f"retire {actor}")
        self.oracle.retired.add(actor)
        self.stage.act("retire")

    def _washed(self, actor: str, request: Request, *, washed_out: bool, gradio: bool) -> Response:
        """Send a request while the washout of everything is over, or of nothing."""
        self.stage.site.set_washout(over=washed_out)
        try:
            return self.stage.send(actor, request, gradio=gradio)
        finally:
            self.stage.site.set_washout(over=False)

    def _key(self) -> str:
        self._keys += 1
        return f"key {self._keys}"


def _document(answer: Response) -> Any:
    """The JSON of a response that succeeded."""
    return answer.json() if answer.is_good else None


def _said(kind: str, token: str, pick: int) -> dict[str, Any]:
    """The fields of a kind, with a word where there is room for it."""
    if kind == "verdict":
        verdict = VERDICTS[pick % len(VERDICTS)]
        return {"verdict": verdict, "corrected_answer": token, "confidence": 1 + pick % 5}
    if kind == "labels":
        absences = ["missing_knowledge"] if pick % 2 else []
        return {"absences": absences, "steps": []}
    if kind == "edited_trace":
        return {"edited_steps": [{"step": 0, "text": f"Step 1: Seen {token}."}]}
    number = int(token[2:-2])
    return {"box": {"x": number % 300, "y": number // 300 % 200, "width": 5, "height": 6}}


def _day(answer: Response) -> str:
    """The day in a receipt; of a vote, that of the comparison's."""
    text = read_text(answer.body)
    place = text.find('"created_at":')
    return text[place + 13 :].strip().lstrip('"')[:10]
