"""Random acts of eight people on every route, and a check of each response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from pathviewer.export.plan import FORMATS
from pathviewer.insights.charts import CHARTS
from tests.blinding.actors import ANALYSTS, FIRST_RATERS, NAMES, RATERS, RETIRING
from tests.blinding.acts import CHOICES, KINDS, Acts
from tests.blinding.catalogue import Catalogue, Completion, Question, Worklist
from tests.blinding.charts import ChartFilters
from tests.blinding.looks import QUESTION_ROUTES, Looks
from tests.blinding.oracle import Assignment, Comparison
from tests.blinding.scanner import Report
from tests.blinding.site import Site
from tests.blinding.stage import choose, open_stage

LATE = 25
"""Acts before the adjudicator gets an item, and before what ends things for good."""
PICKS = st.integers(0, 999)
RARE = st.integers(0, 19)
RATER, ANYBODY, ANALYST = map(st.sampled_from, (RATERS, NAMES, ANALYSTS))
GRADIO = st.booleans()


@dataclass
class Run:
    """What all examples of a run share."""

    site: Site
    made: Catalogue
    report: Report
    collects: bool = False
    every: int = 0
    """Steps between two lines of progress; 0 for none."""


class BlindingMachine(RuleBasedStateMachine):
    """One example: acts are noted in the oracle, and every response is scanned."""

    run: Run

    def __init__(self) -> None:
        super().__init__()
        self.stage = open_stage(
            self.run.site, self.run.made, self.run.report, collects=self.run.collects
        )
        self.oracle = self.stage.oracle
        self.made = self.oracle.made
        self.acts = Acts(self.stage)
        self.looks = Looks(self.stage, self.acts)
        self._steps = 0

    # choices

    def _step(self) -> None:
        report = self.run.report
        self._steps += 1
        report.steps += 1
        if self.run.every and report.steps % self.run.every == 0:
            kinds = len(report.differences)
            print(f"{report.steps} steps, {kinds} kinds of differences", flush=True)  # noqa: T201

    def _lists(self) -> list[Worklist]:
        return list(self.made.worklists.values())

    def _questions(self) -> list[Question]:
        return [each for each in self.made.questions.values() if each.completions]

    def _completions(self) -> list[Completion]:
        return [one for each in self._questions() for one in each.completions]

    def _handed(self, actor: str) -> list[Question]:
        """Questions of the actor's items and own ones, those in hand first."""
        turns = [each for each in self.oracle.assignments if each.rater == actor]
        turns.sort(key=lambda each: (each.ended, -each.at))
        items = [self.made.questions[self.made.items[each.item]] for each in turns]
        own = [each for each in self._questions() if each.asker == actor]
        return list({each.id: each for each in items + own}.values())

    def _likely(self, actor: str, pick: int, options: Sequence[Question]) -> Question | None:
        """Mostly a question of the actor's own, else any."""
        own = self._handed(actor)
        return choose(own, pick // 4) if own and pick % 4 else choose(options, pick // 4)

    def _open_turns(self, actor: str) -> list[Assignment]:
        return [each for each in self.oracle.assignments if each.rater == actor and not each.ended]

    def _comparisons(self, actor: str, *, is_open: bool) -> list[Comparison]:
        own = [each for each in self.oracle.comparisons if each.rater == actor]
        return [each for each in own if each.is_open == is_open] or own

    def _may_begin(self, actor: str) -> bool:
        """The adjudicator begins late."""
        return actor in FIRST_RATERS or self._steps > LATE or actor == "ivy"

    # worklists

    @rule(actor=RATER, pick=PICKS, washed_out=st.booleans(), gradio=GRADIO)
    def take_item(self, actor: str, pick: int, washed_out: bool, gradio: bool) -> None:
        """Take the next item of a list."""
        self._step()
        worklist = choose(self._lists(), pick)
        if worklist and self._may_begin(actor):
            self.acts.next_item(actor, worklist, washed_out=washed_out, gradio=gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, gradio=GRADIO)
    def answer_item(self, actor: str, pick: int, gradio: bool) -> None:
        """Answer an item first; sometimes another's."""
        self._step()
        own = [each for each in self._open_turns(actor) if each.answer is None]
        turn = choose(own or self.oracle.assignments, pick)
        if turn:
            self.acts.answer_item(actor, turn, gradio=gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, skipped=RARE, gradio=GRADIO)
    def end_item(self, actor: str, pick: int, skipped: int, gradio: bool) -> None:
        """End an item or skip it."""
        self._step()
        turn = choose(self._open_turns(actor), pick)
        if turn:
            self.acts.end_item(actor, turn.item, skipped=skipped < 3, gradio=gradio)
        self._sweep(pick)

    @rule(
        actor=RATER,
        pick=PICKS,
        washed_out=st.booleans(),
        depth=st.integers(1, 4),
        gradio=GRADIO,
    )
    def work_through(
        self, actor: str, pick: int, washed_out: bool, depth: int, gradio: bool
    ) -> None:
        """Take an item, answer it, judge its completions, end it; or stop on the way."""
        self._step()
        worklist = choose(self._lists(), pick)
        if worklist is None or not self._may_begin(actor):
            return
        self.acts.next_item(actor, worklist, washed_out=washed_out, gradio=gradio)
        ids = {each.id: each for each in self._questions()}
        turns = [
            each
            for each in self._open_turns(actor)
            if (one := ids.get(self.made.items[each.item])) and one.worklist == worklist
        ]
        for turn in turns[:1]:
            if turn.answer is None and worklist.blind:
                self.acts.answer_item(actor, turn, gradio=gradio)
            question = ids[self.made.items[turn.item]]
            for each in question.completions[: depth if depth < 3 else None]:
                self.acts.judge(actor, each, "verdict", pick, gradio)
                if depth > 1:
                    self.acts.judge(actor, each, "labels", pick, gradio)
            if depth == 4:
                self.acts.end_item(actor, turn.item, skipped=False, gradio=gradio)
        self._sweep(pick)

    # feedback

    @rule(actor=ANYBODY, pick=PICKS, kind=st.sampled_from(KINDS), gradio=GRADIO)
    def judge(self, actor: str, pick: int, kind: str, gradio: bool) -> None:
        """Give feedback on a completion."""
        self._step()
        question = self._likely(actor, pick, self._questions())
        if question:
            completion = question.completions[pick % len(question.completions)]
            self.acts.judge(actor, completion, kind, pick, gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, gradio=GRADIO)
    def judge_all(self, actor: str, pick: int, gradio: bool) -> None:
        """Give verdict and labels on all completions of a question."""
        self._step()
        question = self._likely(actor, pick, self._questions())
        for each in question.completions if question else ():
            for kind in ("labels", "verdict"):
                self.acts.judge(actor, each, kind, pick, gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, choice=st.sampled_from(CHOICES))
    def prefer(self, actor: str, pick: int, choice: str) -> None:
        """Vote on two completions of one question, or of one pair."""
        self._step()
        pairs = [
            [each.completions[0].id, each.completions[1].id]
            for each in self._questions()
            if len(each.completions) == 2
        ]
        ids = choose([*pairs, *map(list, self.made.pairs)], pick)
        if ids:
            one, other = (self.made.completions[each] for each in ids)
            self.acts.prefer(actor, one, other, choice)
        self._sweep(pick)

    # comparisons

    @rule(actor=RATER, pick=PICKS, washed_out=st.booleans(), gradio=GRADIO)
    def take_pair(self, actor: str, pick: int, washed_out: bool, gradio: bool) -> None:
        """Take the next pair of a list."""
        self._step()
        lists = [each for each in self._lists() if "pairs" in each.name]
        worklist = choose(lists, pick)
        if worklist and self._may_begin(actor):
            self.acts.next_pair(actor, worklist, washed_out=washed_out, gradio=gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, choice=st.sampled_from(CHOICES), gradio=GRADIO)
    def vote(self, actor: str, pick: int, choice: str, gradio: bool) -> None:
        """Vote on a pair in hand."""
        self._step()
        one = choose(self._comparisons(actor, is_open=True), pick)
        if one:
            self.acts.vote(actor, one, choice, gradio=gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, gradio=GRADIO)
    def undo(self, actor: str, pick: int, gradio: bool) -> None:
        """Undo a vote."""
        self._step()
        one = choose(self._comparisons(actor, is_open=False), pick)
        if one:
            self.acts.undo(actor, one, gradio=gradio)
        self._sweep(pick)

    @rule(actor=RATER, pick=PICKS, gradio=GRADIO)
    def skip_pair(self, actor: str, pick: int, gradio: bool) -> None:
        """Skip a pair in hand."""
        self._step()
        one = choose(self._comparisons(actor, is_open=True), pick)
        if one and pick % 3 == 0:
            self.acts.skip_pair(actor, one, gradio=gradio)
        self._sweep(pick)

    # questions

    @rule(actor=ANYBODY, count=st.integers(1, 2), blind=st.booleans(), gradio=GRADIO)
    def ask(self, actor: str, count: int, blind: bool, gradio: bool) -> None:
        """Ask a question of one's own."""
        self._step()
        self.acts.ask(actor, count=count, blind=blind, gradio=gradio)
        self._sweep(count)

    @rule(actor=RATER, gradio=GRADIO)
    def ask_pair(self, actor: str, gradio: bool) -> None:
        """Ask for two answers to compare."""
        self._step()
        self.acts.ask_pair(actor, gradio=gradio)
        self._sweep(3)

    @rule(actor=ANYBODY, pick=PICKS, gradio=GRADIO)
    def ask_again(self, actor: str, pick: int, gradio: bool) -> None:
        """Repeat any question."""
        self._step()
        question = self._likely(actor, pick, self._questions())
        if question:
            self.acts.again(actor, question, gradio=gradio)
        self._sweep(pick)

    @rule(actor=ANYBODY, pick=PICKS, gradio=GRADIO)
    def answer_own(self, actor: str, pick: int, gradio: bool) -> None:
        """Answer a blind question first; sometimes another's."""
        self._step()
        waiting = [
            each
            for each in self._questions()
            if each.blind and each.id not in self.oracle.first_answers
        ]
        own = [each for each in waiting if each.asker == actor]
        question = choose(own or waiting, pick)
        if question:
            self.acts.answer_own(actor, question, gradio=gradio)
        self._sweep(pick)

    # looks

    @rule(actor=ANYBODY, pick=PICKS, route=st.sampled_from(QUESTION_ROUTES), gradio=GRADIO)
    def open_question(self, actor: str, pick: int, route: str, gradio: bool) -> None:
        """Open any question by its id."""
        self._step()
        question = choose(self._questions(), pick)
        if question:
            self.looks.question(actor, question, route, gradio=gradio)

    @rule(actor=ANYBODY, pick=PICKS, gradio=GRADIO)
    def look_at_feedback(self, actor: str, pick: int, gradio: bool) -> None:
        """See the feedback on a completion that has some, or on any."""
        self._step()
        ids = {each.completion for each in self.oracle.feedback}
        rated = [each for each in self._completions() if each.id in ids]
        completion = choose(rated or self._completions(), pick)
        if completion:
            self.looks.feedback(actor, completion, gradio=gradio)

    @rule(actor=ANYBODY, pick=PICKS, gradio=GRADIO)
    def look_at_item(self, actor: str, pick: int, gradio: bool) -> None:
        """See an item that was handed to somebody."""
        self._step()
        turn = choose(self.oracle.assignments, pick)
        if turn:
            self.looks.item(actor, turn.item)
        self.looks.worklists(actor, gradio=gradio)

    @rule(actor=ANYBODY, pick=PICKS, gradio=GRADIO)
    def look_at_comparison(self, actor: str, pick: int, gradio: bool) -> None:
        """See a comparison, one's own if there is one."""
        self._step()
        own = [each for each in self.oracle.comparisons if each.rater == actor]
        one = choose(own or self.oracle.comparisons, pick)
        if one:
            self.looks.comparison(actor, one, gradio=gradio)
            self.looks.side_maps(actor, one, ("left", "right")[pick % 2], gradio=gradio)
        self.looks.comparisons(actor, gradio=gradio)

    @rule(actor=ANALYST, pick=PICKS, chance=st.integers(0, 3), gradio=GRADIO)
    def look_at_insights(self, actor: str, pick: int, chance: int, gradio: bool) -> None:
        """See all charts, or mostly the CSV of one."""
        self._step()
        raters = sorted({each.rater for each in self.oracle.feedback})
        models = sorted({each.model for each in self._questions()})
        slides = [each.slide.id for each in self._questions()]
        filters = ChartFilters(
            slide=choose(slides, pick) if pick % 7 == 0 else None,
            model=choose(models, pick) if pick % 5 == 0 else None,
            rater=choose(raters, pick) if pick % 3 == 0 else None,
        )
        if chance == 0:
            self.looks.insights(actor, filters, gradio=gradio)
        else:
            self.looks.chart(actor, choose(list(CHARTS), pick) or "", filters)

    @rule(
        actor=ANALYST,
        pick=PICKS,
        name=st.sampled_from(tuple(FORMATS)),
        one_of=st.sampled_from(("each", "majority", "1")),
    )
    def export(self, actor: str, pick: int, name: str, one_of: str) -> None:
        """Export feedback; half of the time everything as `unpaired`."""
        self._step()
        wish = {"format": name, "rule": one_of, "teaching": bool(pick % 2)}
        if pick % 2:
            wish = {"format": "unpaired", "rule": "each", "teaching": True}
        self.looks.export(actor, wish)

    @rule(actor=ANALYST, pick=PICKS, gradio=GRADIO)
    def print_worklist(self, actor: str, pick: int, gradio: bool) -> None:
        """Print a worklist."""
        self._step()
        worklist = choose(self._lists(), pick)
        if worklist:
            self.looks.worklist_report(actor, worklist, gradio=gradio)

    @rule(actor=ANYBODY, gradio=GRADIO)
    def look_at_service(self, actor: str, gradio: bool) -> None:
        """Read the audit log, the metrics and what stands beside the questions."""
        self._step()
        self.looks.audit("eve", gradio=gradio)
        self.looks.metrics(actor)
        self.looks.preview(actor)
        self.looks.export_choices(actor, gradio=gradio)

    def _sweep(self, pick: int) -> None:
        """Look with other eyes after an act."""
        eyes = NAMES[(pick + self._steps) % len(NAMES)]
        self.looks.own_questions(eyes, gradio=False)
        slide = choose(list(self.made.slides.values()), pick)
        if slide:
            self.looks.slide_map(eyes, slide, gradio=bool(pick % 2))
        recent = self.oracle.feedback[-1:] or self.oracle.feedback
        for each in recent:
            completion = self.made.completions[each.completion]
            question = self.made.questions[completion.question]
            self.looks.feedback(eyes, completion, gradio=False)
            self.looks.question(eyes, question, "", gradio=bool(pick % 2))
        turn = choose(self.oracle.assignments, pick)
        if turn:
            self.looks.item(turn.rater, turn.item)
        one = choose(self.oracle.comparisons, pick)
        if one:
            self.looks.comparison(one.rater, one, gradio=False)

    # what is rare

    @rule(chance=RARE, pick=PICKS)
    def end_for_good(self, chance: int, pick: int) -> None:
        """Retire a rater, withdraw a case or a rater; rarely, and late."""
        self._step()
        if self._steps < LATE or chance > 5:
            return
        retiring = [each for each in RETIRING if each not in self.oracle.retired]
        if chance < 3 and retiring:
            self.acts.retire(retiring[pick % len(retiring)])
        elif chance == 4 and any(each.slide.case for each in self._questions()):
            cases = {each.slide.case for each in self._questions()}
            names = {"C-A": "a.tiff", "C-B": "b.tiff"}
            if len(cases) == len(names):  # one of the two is enough to go on
                self.acts.withdraw_case(("C-A", "C-B")[pick % 2])
        elif chance == 5:
            self.acts.withdraw_rater(RATERS[pick % len(RATERS)])
        self._sweep(pick)
