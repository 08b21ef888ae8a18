"""Random acts of eight people on every route, and a check of each response."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pathviewer.export.plan import FORMATS
from pathviewer.insights.charts import CHARTS
from tests.blinding.actors import ANALYSTS, FIRST_RATERS, NAMES, RATERS, RETIRING
from tests.blinding.acts import CHOICES, KINDS, Acts
from tests.blinding.catalogue import Catalogue, Completion, Question, Worklist
from tests.blinding.charts import ChartFilters
from tests.blinding.looks import QUESTION_ROUTES, Looks
from tests.blinding.oracle import Assignment, Comparison
from tests.blinding.scanner import Report
from tests.blinding.site import LISTS, Site
from tests.blinding.stage import open_stage

T = TypeVar("T")

LATE = 25
"""Steps before the adjudicator begins, and before anything ends for good."""
WEIGHTS = {
    "work_through": 16,
    "end_item": 6,
    "judge": 8,
    "judge_all": 8,
    "prefer": 3,
    "compare": 18,
    "ask": 6,
    "answer_own": 5,
    "open_question": 9,
    "look_at_feedback": 8,
    "look_at_work": 6,
    "look_at_map": 4,
    "look_at_insights": 6,
    "export": 4,
    "print_worklist": 4,
    "look_at_service": 1,
    "end_for_good": 3,
}
"""How often each act occurs."""


@dataclass
class Run:
    """What all examples of a run share."""

    site: Site
    """The application."""
    made: Catalogue
    """What stands in it at the start."""
    report: Report
    """What the run has seen."""
    steps: int
    """Number of steps, after which nothing happens unless a failure is looked into."""
    collects: bool = False
    """As `Stage.collects`."""
    every: int = 0
    """Steps between two lines of progress; 0 for none."""

    @property
    def is_over(self) -> bool:
        """Whether all steps are done."""
        return self.report.steps >= self.steps and (self.collects or not self.report.differences)


class BlindingMachine(RuleBasedStateMachine):
    """One example: acts are noted in the oracle, and every response is scanned.

    Each example has a few worklists and raters, so that it comes to repeats. A step is drawn as one
    number, from which all that it does follows: Hypothesis would draw the simplest act far too
    often, and steps can still be left out one by one.
    """

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
        self._lists: list[Worklist] = []
        self._raters: list[str] = []
        self._seeds: Counter[int] = Counter()
        self._steps = 0

    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        """Choose one or two worklists, and two to four raters."""
        draw = Random(seed)
        worklists = [self.made.worklists[each.name] for each in LISTS]
        self._lists = draw.sample(worklists, draw.randint(1, 2))
        self._raters = draw.sample(RATERS, draw.randint(2, 4))
        names = [each.name for each in self._lists]
        self.stage.story.append(f"lists {names}, raters {self._raters}")

    @rule(seed=st.integers(0, 2**32 - 1))
    def step(self, seed: int) -> None:
        """Act or look; after an act, look with other eyes."""
        if self.run.is_over:
            return
        draw = Random(f"{seed} {self._seeds[seed]}")  # Hypothesis likes to draw a number again
        self._seeds[seed] += 1
        self._steps += 1
        self._count_step()
        (name,) = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))
        getattr(self, name)(draw)
        if not name.startswith(("look", "open", "print", "export")):
            self.sweep(draw)

    def _count_step(self) -> None:
        report = self.run.report
        report.steps += 1
        if self.run.every and report.steps % self.run.every == 0:
            kinds = len(report.differences)
            print(f"{report.steps} steps, {kinds} kinds of differences", flush=True)  # noqa: T201

    # choices

    def _rater(self, draw: Random) -> str:
        """One of the example's raters; the adjudicator begins late."""
        actor = draw.choice(self._raters)
        is_early = actor not in FIRST_RATERS and self._steps < LATE
        return draw.choice(FIRST_RATERS) if is_early else actor

    def _anybody(self, draw: Random) -> str:
        """Mostly one of the example's raters."""
        return self._rater(draw) if draw.random() < 0.7 else draw.choice(NAMES)

    def _analyst(self, draw: Random) -> str:
        """Mostly one of the example's raters, if any may see insights."""
        own = [each for each in self._raters if each in ANALYSTS]
        return draw.choice(own if own and draw.random() < 0.7 else ANALYSTS)

    def _questions(self) -> list[Question]:
        """Questions of the example's worklists, and all own ones."""
        return [
            each
            for each in self.made.questions.values()
            if each.completions and (each.worklist is None or each.worklist in self._lists)
        ]

    def _handed(self, actor: str) -> list[Question]:
        """Questions of the actor's items, in hand or not, and own ones."""
        turns = [each for each in self.oracle.assignments if each.rater == actor]
        turns = [each for each in turns if not each.ended] or turns
        items = [self.made.questions[self.made.items[each.item]] for each in turns]
        own = [each for each in self._questions() if each.asker == actor]
        return list({each.id: each for each in items + own}.values())

    def _likely(self, actor: str, draw: Random) -> Question | None:
        """Mostly a question of the actor's own or in hand, else any of the example."""
        own = self._handed(actor)
        return choose(draw, own if own and draw.random() < 0.75 else self._questions())

    def _open_turns(self, actor: str) -> list[Assignment]:
        return [each for each in self.oracle.assignments if each.rater == actor and not each.ended]

    def _comparisons(self, actor: str, *, is_open: bool) -> list[Comparison]:
        own = [each for each in self.oracle.comparisons if each.rater == actor]
        return [each for each in own if each.is_open == is_open] or own

    # worklists

    def work_through(self, draw: Random) -> None:
        """Take an item, answer it, judge its completions, end it; or stop on the way."""
        actor, worklist, gradio = self._rater(draw), draw.choice(self._lists), flip(draw)
        washed_out, depth, pick = draw.random() < 0.7, draw.randint(0, 7), draw.randint(0, 99)
        self.acts.next_item(actor, worklist, washed_out=washed_out, gradio=gradio)
        turns = [each for each in self._open_turns(actor) if self._is_in(each, worklist)]
        for turn in turns if depth else ():
            if turn.answer is None and (worklist.blind or flip(draw)):
                self.acts.answer_item(actor, turn, gradio=gradio)
            completions = self.made.questions[self.made.items[turn.item]].completions
            for each in completions[: depth - 1]:
                self.acts.judge(actor, each, "verdict", pick, gradio)
                if depth > 2:
                    self.acts.judge(actor, each, "labels", pick, gradio)
            if depth > 3:
                self.acts.end_item(actor, turn.item, skipped=False, gradio=gradio)

    def _is_in(self, turn: Assignment, worklist: Worklist) -> bool:
        question = self.made.questions.get(self.made.items[turn.item])
        return question is not None and question.worklist == worklist

    def end_item(self, draw: Random) -> None:
        """End an item or skip it; or answer one first, sometimes another's."""
        actor = self._rater(draw)
        turn = choose(draw, self._open_turns(actor) or self.oracle.assignments)
        if turn and (turn.rater != actor or draw.random() < 0.2):
            self.acts.answer_item(actor, turn, gradio=flip(draw))
        elif turn:
            skipped = draw.random() < 0.3
            self.acts.end_item(actor, turn.item, skipped=skipped, gradio=flip(draw))

    # feedback

    def judge(self, draw: Random) -> None:
        """Give feedback on a completion."""
        actor = self._anybody(draw)
        question = self._likely(actor, draw)
        if question:
            completion, kind = draw.choice(question.completions), draw.choice(KINDS)
            self.acts.judge(actor, completion, kind, draw.randint(0, 99), flip(draw))

    def judge_all(self, draw: Random) -> None:
        """Give verdict and labels on all completions of a question."""
        actor, pick, gradio = self._rater(draw), draw.randint(0, 99), flip(draw)
        question = self._likely(actor, draw)
        for each in question.completions if question else ():
            for kind in ("labels", "verdict"):
                self.acts.judge(actor, each, kind, pick, gradio)

    def prefer(self, draw: Random) -> None:
        """Vote on two completions of one question, or of one pair."""
        actor = self._rater(draw)
        pairs = [
            (each.completions[0].id, each.completions[1].id)
            for each in self._handed(actor) or self._questions()
            if len(each.completions) == 2
        ]
        ids = choose(draw, self.made.pairs if draw.random() < 0.4 else pairs)
        if ids:
            one, other = (self.made.completions[each] for each in draw.sample(ids, 2))
            self.acts.prefer(actor, one, other, draw.choice(CHOICES))

    # comparisons

    def compare(self, draw: Random) -> None:
        """Take a pair; vote on it, undo a vote, or skip it."""
        actor, gradio = self._rater(draw), flip(draw)
        worklist = choose(draw, [each for each in self._lists if "pairs" in each.name])
        if worklist:
            washed_out = draw.random() < 0.7
            self.acts.next_pair(actor, worklist, washed_out=washed_out, gradio=gradio)
        choice = draw.choice((*CHOICES, *CHOICES, "", "undo", "undo", "undo", "skip", "skip"))
        one = choose(draw, self._comparisons(actor, is_open=choice != "undo"))
        if one and choice == "skip":
            self.acts.skip_pair(actor, one, gradio=gradio)
        elif one and choice == "undo":
            self.acts.undo(actor, one, gradio=gradio)
        elif one and choice:
            self.acts.vote(actor, one, choice, gradio=gradio)

    # questions

    def ask(self, draw: Random) -> None:
        """Ask a question of one's own, or repeat any."""
        actor, how, gradio = self._anybody(draw), draw.choice(("own", "pair", "again")), flip(draw)
        if how == "pair":
            self.acts.ask_pair(actor, gradio=gradio)
        elif how == "own":
            blind = draw.random() < 0.7
            self.acts.ask(actor, count=draw.randint(1, 2), blind=blind, gradio=gradio)
        elif question := self._likely(actor, draw):
            self.acts.again(actor, question, gradio=gradio)

    def answer_own(self, draw: Random) -> None:
        """Answer a blind question first, sometimes another's; ask one if none waits."""
        waiting = [
            each
            for each in self._questions()
            if each.blind and each.id not in self.oracle.first_answers
        ]
        question = choose(draw, waiting)
        if question is None:
            self.acts.ask(self._anybody(draw), count=1, blind=True, gradio=False)
        else:
            actor = question.asker if draw.random() < 0.75 else self._anybody(draw)
            self.acts.answer_own(actor, question, gradio=flip(draw))

    # looks

    def open_question(self, draw: Random) -> None:
        """Open any question by its id."""
        question = choose(draw, self._questions())
        if question:
            actor, route = self._anybody(draw), draw.choice(QUESTION_ROUTES)
            self.looks.question(actor, question, route, gradio=flip(draw))

    def look_at_feedback(self, draw: Random) -> None:
        """See the feedback on a completion that has some, or on any."""
        ids = {each.completion for each in self.oracle.feedback}
        every = [one for each in self._questions() for one in each.completions]
        completion: Completion | None = choose(draw, [each for each in every if each.id in ids])
        completion = completion or choose(draw, every)
        if completion:
            self.looks.feedback(self._anybody(draw), completion, gradio=flip(draw))

    def look_at_work(self, draw: Random) -> None:
        """See items, comparisons and lists, also another's."""
        actor, gradio = self._anybody(draw), flip(draw)
        turn, one = choose(draw, self.oracle.assignments), choose(draw, self.oracle.comparisons)
        if turn:
            self.looks.item(actor, turn.item)
        if one:
            self.looks.comparison(actor, one, gradio=gradio)
            self.looks.side_maps(one.rater, one, draw.choice(("left", "right")), gradio=gradio)
        self.looks.worklists(actor, gradio=gradio)
        self.looks.comparisons(actor, gradio=gradio)
        self.looks.own_questions(actor, gradio=gradio)

    def look_at_map(self, draw: Random) -> None:
        """See the questions on a slide."""
        slide = draw.choice(list(self.made.slides.values()))
        self.looks.slide_map(self._anybody(draw), slide, gradio=flip(draw))

    def look_at_insights(self, draw: Random) -> None:
        """See all charts, or mostly the CSV of one."""
        raters = sorted({each.rater for each in self.oracle.feedback})
        questions = self._questions()
        wanted = choose(draw, questions) if draw.random() < 0.3 else None
        filters = ChartFilters(
            slide=wanted.slide.id if wanted and flip(draw) else None,
            model=wanted.model if wanted and flip(draw) else None,
            rater=choose(draw, raters) if draw.random() < 0.2 else None,
        )
        actor = self._analyst(draw)
        if draw.random() < 0.3:
            self.looks.insights(actor, filters, gradio=flip(draw))
        else:
            self.looks.chart(actor, draw.choice(list(CHARTS)), filters)

    def export(self, draw: Random) -> None:
        """Export feedback; half of the time everything as `unpaired`."""
        rule_name = draw.choice(("each", "majority", "1"))
        wish = {"format": draw.choice(list(FORMATS)), "rule": rule_name, "teaching": flip(draw)}
        if flip(draw):
            wish = {"format": "unpaired", "rule": "each", "teaching": True}
        self.looks.export(self._analyst(draw), wish, gradio=flip(draw))

    def print_worklist(self, draw: Random) -> None:
        """Print a worklist."""
        worklist = draw.choice(self._lists)
        self.looks.worklist_report(self._analyst(draw), worklist, gradio=flip(draw))

    def look_at_service(self, draw: Random) -> None:
        """Read the audit log, the metrics and what stands beside the questions."""
        self.looks.audit("eve", gradio=flip(draw))
        self.looks.metrics(self._anybody(draw))
        self.looks.service(self._anybody(draw))
        self.looks.export_choices(self._analyst(draw), gradio=flip(draw))

    def sweep(self, draw: Random) -> None:
        """Look with other eyes after an act."""
        eyes, gradio, place = self._anybody(draw), flip(draw), draw.randint(0, 3)
        if place == 0:
            self.look_at_map(draw)
        elif place == 1 and self.oracle.feedback:
            completion = self.made.completions[self.oracle.feedback[-1].completion]
            question = self.made.questions[completion.question]
            self.looks.feedback(eyes, completion, gradio=gradio)
            self.looks.question(eyes, question, "", gradio=gradio)
        elif place == 2:
            turn, one = choose(draw, self.oracle.assignments), choose(draw, self.oracle.comparisons)
            if turn:
                self.looks.item(turn.rater, turn.item)
            if one:
                self.looks.comparison(one.rater, one, gradio=gradio)

    # what is rare

    def end_for_good(self, draw: Random) -> None:
        """Retire a rater, withdraw a case or a rater; late, and one case at most."""
        how, retiring = draw.random(), [one for one in RETIRING if one not in self.oracle.retired]
        if self._steps < LATE:
            return
        cases = sorted({each.slide.case for each in self.made.questions.values()})
        if how < 0.4 and retiring:
            self.acts.retire(draw.choice(retiring))
        elif how < 0.6 and len(cases) > 1:
            self.acts.withdraw_case(draw.choice(cases))
        elif how > 0.8:
            self.acts.withdraw_rater(draw.choice(RATERS))


def choose(draw: Random, options: list[T]) -> T | None:
    """One of the options; None without any."""
    return draw.choice(options) if options else None


def flip(draw: Random) -> bool:
    """Yes or no."""
    return draw.random() < 0.5
