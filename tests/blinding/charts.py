"""Charts computed from what an actor may see: the product's own formulas, the oracle's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pathviewer.insights.charts import CHARTS
from pathviewer.insights.data_source import ChartData
from storage.blinding.policy import Content
from storage.feedback.vocabulary import UNDONE
from storage.statistics.feedback_rows import resolve_preference
from storage.statistics.records import (
    FilterChoices,
    FirstAnswerRow,
    LabelRow,
    RepeatRow,
    TimeRow,
    VerdictRow,
    VoteRow,
)
from tests.blinding.catalogue import Question
from tests.blinding.oracle import VOTE, Feedback, Oracle, Secret
from tests.blinding.site import JUDGE

INEXACT = ("low", "high", "lower quartile", "median", "upper quartile")
"""Columns that depend on the order of rows, or on seconds."""
NAMES_KNOWN = "of these with names possibly known"
"""Row that depends on the time of votes, not on who looks."""
BOUNDED = ("time_per_case",)
"""Charts that may count less: of others' superseded votes, the policy says nothing to count."""


@dataclass(frozen=True)
class ChartFilters:
    """Filters of insights."""

    slide: str | None = None
    """Id of the slide."""
    model: str | None = None
    """Name of the model."""
    rater: str | None = None
    """Name of the actor."""


def expected_rows(
    oracle: Oracle, viewer: str, filters: ChartFilters, names: Sequence[str]
) -> dict[str, list[list[Any]]]:
    """Rows of charts as the viewer may see them."""
    data = ChartRows(oracle, viewer, filters).chart_data()
    return {name: comparable_rows(CHARTS[name](data).as_dict()) for name in names}


def comparable_rows(chart: Mapping[str, Any]) -> list[list[Any]]:
    """Cells that do not depend on the order of the rows behind them, sorted."""
    keep = [place for place, name in enumerate(chart["columns"]) if name not in INEXACT]
    rows = [
        [round(row[place], 3) if isinstance(row[place], float) else row[place] for place in keep]
        for row in chart["rows"]
        if row[0] != NAMES_KNOWN
    ]
    return sorted(rows, key=str)


class ChartRows:
    """Rows that a viewer may see, and that pass the filters."""

    def __init__(self, oracle: Oracle, viewer: str, filters: ChartFilters) -> None:
        self._oracle = oracle
        self._made = oracle.made
        self._viewer = viewer
        self._filters = filters
        self._all = [each for each in oracle.visible_feedback(viewer) if self._passes(each)]
        superseding = set(map(id, oracle.current()))
        self._current = [each for each in self._all if id(each) in superseding]

    def chart_data(self) -> ChartData:
        """Everything that charts are made of."""
        slides = [(each.id, each.alias) for each in self._made.slides.values()]
        return ChartData(
            choices=FilterChoices([], [], [], slides, []),
            verdicts=[self._verdict(each) for each in self._of_kind("verdict")],
            labels=[self._labels(each) for each in self._of_kind("labels")],
            judge_labels=self._judge_labels(),
            votes=[self._vote(each) for each in self._votes()],
            first_answers=self._first_answers(),
            repeats=self._repeats(),
            repeated_votes=self._repeated_votes(),
            times=self._times(),
        )

    def _question(self, completion: str) -> Question:
        return self._made.questions[self._made.completions[completion].question]

    def _case(self, completion: str) -> str:
        return self._question(completion).slide.case

    def _passes(self, given: Feedback) -> bool:
        """Whether feedback passes the filters; a model may be that of either side of a vote."""
        ids = [given.completion] if given.kind != VOTE else list(given.pair)
        models = {self._question(each).model for each in ids}
        wanted = self._filters
        return (
            wanted.rater in (None, given.rater)
            and (wanted.model is None or wanted.model in models)
            and self._is_on_slide(self._question(ids[0]))
        )

    def _is_on_slide(self, question: Question) -> bool:
        return self._filters.slide in (None, question.slide.id)

    def _of_kind(self, kind: str) -> list[Feedback]:
        return [each for each in self._current if each.kind == kind]

    def _votes(self) -> list[Feedback]:
        return [each for each in self._of_kind(VOTE) if each.fields["choice"] != UNDONE]

    def _account(self, name: str) -> str:
        return self._made.accounts[name]

    def _verdict(self, given: Feedback) -> VerdictRow:
        question = self._question(given.completion)
        return VerdictRow(
            question.slide.case,
            given.completion,
            self._account(given.rater),
            given.day,
            question.model,
            "",
            question.slide.organ or "",
            question.slide.id,
            given.fields["verdict"],
            given.fields["confidence"],
        )

    def _labels(self, given: Feedback) -> LabelRow:
        events = frozenset(given.fields["absences"])
        account = self._account(given.rater)
        return LabelRow(self._case(given.completion), given.completion, account, events)

    def _judge_labels(self) -> list[LabelRow]:
        """A judge model's labels are feedback of nobody on the scene."""
        return [
            LabelRow(self._case(each), each, JUDGE, frozenset(["missing_knowledge"]))
            for each in sorted(self._made.judged_by_model & set(self._made.completions))
            if self._filters.model in (None, self._question(each).model)
            and self._is_on_slide(self._question(each))
            and self._oracle.sees(
                self._viewer, Content.feedback, self._question(each).id, completion=each
            )
        ]

    def _vote(self, given: Feedback) -> VoteRow:
        left = given.left
        right = given.pair[0] if left == given.pair[1] else given.pair[1]
        choice, turned = given.fields["choice"], given.left != given.pair[0]
        return VoteRow(
            self._case(given.pair[0]),
            *self._side(left),
            *self._side(right),
            choice,
            self._account(given.rater),
            " ".join(given.pair),
            resolve_preference(choice, turned),
        )

    def _side(self, completion: str) -> tuple[str, str | None, int]:
        """Model, revision and length of a completion."""
        question = self._question(completion)
        return question.model, question.revision, len(self._made.completions[completion].text)

    def _first_answers(self) -> list[FirstAnswerRow]:
        rows = []
        for rater, question, answer, confidence, round_, at in self._oracle.list_first_answers():
            about = self._filters
            if round_ or about.rater not in (None, rater) or not self._is_on_slide(question):
                continue
            if about.model not in (None, question.model) or not question.completions:
                continue
            secret = Secret(Content.first_answers, rater, question.id, at=at)
            if self._oracle.sees_one(self._viewer, secret):
                rows.append(self._first_answer(rater, question, answer, confidence))
        return rows

    def _first_answer(
        self, rater: str, question: Question, answer: str, confidence: int | None
    ) -> FirstAnswerRow:
        ids = [each.id for each in question.completions]
        verdicts = [
            each
            for each in self._oracle.current()
            if (each.rater, each.kind) == (rater, "verdict") and each.completion in ids
        ]
        last = max(verdicts, key=lambda each: each.at, default=None)
        rated = self._made.completions[last.completion if last else ids[0]]
        shown = self._oracle.sees_case_by(self._viewer, question)
        reference = {case: token for token, case in self._made.case_references.items()}
        return FirstAnswerRow(
            question.slide.case,
            [],
            answer,
            confidence,
            rated.answer,
            last.fields["verdict"] if last else None,
            last.fields["corrected_answer"] if last else None,
            reference.get(question.slide.case) if shown else None,
        )

    def _ended_repeats(self) -> list[Any]:
        return [
            each
            for each in self._oracle.assignments
            if each.round and each.ended and not each.skipped
        ]

    def _repeats(self) -> list[RepeatRow]:
        rows = []
        for turn in self._ended_repeats():
            ids = [
                each.id for each in self._made.questions[self._made.items[turn.item]].completions
            ]
            for each in ids:
                given = [
                    one
                    for one in self._all
                    if (one.rater, one.kind, one.completion) == (turn.rater, "verdict", each)
                ]
                before = [one for one in given if one.at < turn.at]
                after = [one for one in given if one.at >= turn.at]
                if before and after:
                    words = before[-1].fields["verdict"], after[-1].fields["verdict"]
                    account = self._account(turn.rater)
                    rows.append(RepeatRow(self._case(each), each, account, *words))
        return rows

    def _repeated_votes(self) -> list[RepeatRow]:
        rows = []
        visible = set(map(id, self._current))
        for turn in self._oracle.comparisons:
            if turn.pair is None or not turn.round or turn.vote is None:
                continue
            former = self._oracle.compared(turn.rater, turn.pair)[turn.round - 1].vote
            if former is None or id(turn.vote) not in visible:
                continue
            words = [
                resolve_preference(each.fields["choice"], each.left != turn.pair[0])
                for each in (former, turn.vote)
            ]
            account, pair = self._account(turn.rater), " ".join(turn.pair)
            rows.append(RepeatRow(self._case(turn.pair[0]), pair, account, *words))
        return rows

    def _times(self) -> list[TimeRow]:
        counts: dict[tuple[str, str], list[float]] = {}
        for each in self._all:
            if each.fields.get("seconds") is not None:
                place = (self._case(each.slot[2]), self._account(each.rater))
                counts.setdefault(place, []).append(each.fields["seconds"])
        return [TimeRow(*place, len(spent), sum(spent)) for place, spent in counts.items()]
