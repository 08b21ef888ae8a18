"""Who may see which secret: kept from what the actors did, decided by the policy.

Nothing here reads the product's own record of these acts, so that a fault of the one is not a fault
of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from storage.blinding.policy import Assignment as Assigned
from storage.blinding.policy import Comparison as Compared
from storage.blinding.policy import Content, State, Viewer, decide
from storage.feedback.vocabulary import UNDONE
from tests.blinding.actors import BY_NAME
from tests.blinding.catalogue import Catalogue, Completion, Pair, Question

UNLOCKING = frozenset(("verdict", "labels"))
VOTE = "preference"


@dataclass
class Feedback:
    """Feedback that an actor gave; a vote is one on two completions."""

    rater: str
    kind: str
    completion: str
    at: int
    """Number of the act."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What was sent."""
    other: str = ""
    """With a vote: the other completion."""
    left: str = ""
    day: str = ""
    """Day it was stored, UTC."""

    @property
    def pair(self) -> Pair:
        """The two completions of a vote."""
        one, other = sorted((self.completion, self.other))
        return one, other

    @property
    def slot(self) -> tuple[str, ...]:
        """What later feedback of the same slot supersedes."""
        if self.kind == VOTE:
            return self.rater, self.kind, *self.pair
        return self.rater, self.kind, self.completion


@dataclass
class Assignment:
    """An item handed to an actor."""

    item: str
    rater: str
    round: int
    at: int
    ended: bool = False
    skipped: bool = False
    answer: str | None = None
    confidence: int | None = None


@dataclass
class Comparison:
    """A pair handed to an actor, or the two completions of their own question."""

    id: str
    rater: str
    round: int
    at: int
    pair: Pair | None = None
    """None for an own question's."""
    question: str = ""
    """The own question."""
    left: str = ""
    """The completion on the left."""
    vote: Feedback | None = None
    skipped: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the actor has yet to vote."""
        return self.vote is None and not self.skipped


@dataclass(frozen=True)
class Secret:
    """A word that only some may see."""

    content: Content
    """As what others see it."""
    owner: str = ""
    """The actor who wrote it; empty for models and references."""
    question: str = ""
    completion: str = ""
    pair: Pair | None = None
    at: int = 0
    """Number of the act that wrote it."""


OWN = {
    Content.feedback: Content.own_feedback,
    Content.votes: Content.own_vote,
    Content.first_answers: Content.own_first_answer,
}
"""As what their author sees them."""


class Oracle:
    """The book of what every actor did."""

    def __init__(self, made: Catalogue) -> None:
        self.made = copy(made)
        self.made.questions = dict(made.questions)
        self.made.completions = dict(made.completions)
        self.made.pairs = list(made.pairs)
        self.now = 0
        self.feedback: list[Feedback] = []
        self.assignments: list[Assignment] = []
        self.comparisons: list[Comparison] = []
        self.first_answers: dict[str, tuple[str, int | None, int]] = {}
        """Answer, confidence and act of those who asked, by question."""
        self.retired: set[str] = set()
        self._current: list[Feedback] | None = None
        self._hidden: dict[str, int] = {}
        self._decisions: dict[tuple[str, Secret], bool] = {}
        self.secrets: dict[str, list[Secret]] = {}
        """What each word may be; one of several questions with one text suffices."""
        for completion in self.made.completions.values():
            self.add_answers(completion)
        for token, questions in made.references.items():
            self.secrets[token] = [Secret(Content.reference, question=one) for one in questions]
        for token, case in made.case_references.items():
            self.secrets[token] = [Secret(Content.reference, completion=case)]

    # what happened

    def add_answers(self, completion: Completion) -> None:
        """Plant the words of a completion."""
        for token in completion.tokens:
            secret = Secret(Content.answers, question=completion.question)
            self.secrets.setdefault(token, []).append(secret)

    def plant(self, token: str, secret: Secret) -> None:
        """Note whose a word is."""
        self.secrets[token] = [secret]

    def latest(self, rater: str, item: str) -> Assignment | None:
        """An actor's latest assignment of an item."""
        own = [one for one in self.assignments if (one.rater, one.item) == (rater, item)]
        return max(own, key=lambda one: one.round, default=None)

    def compared(self, rater: str, pair: Pair) -> list[Comparison]:
        """An actor's comparisons of a pair, by round."""
        own = [one for one in self.comparisons if (one.rater, one.pair) == (rater, pair)]
        return sorted(own, key=lambda one: one.round)

    def current(self) -> list[Feedback]:
        """What nothing supersedes, undone votes included."""
        if self._current is None:
            self._current = list({each.slot: each for each in self.feedback}.values())
        return self._current

    def withdraw_questions(self, questions: set[str]) -> None:
        """Forget questions with everything about them; their words are nobody's."""
        gone = {each.id for each in self.made.completions.values() if each.question in questions}
        self.feedback = [each for each in self.feedback if not gone & {each.completion, each.other}]
        self.made.pairs = [pair for pair in self.made.pairs if not gone & set(pair)]
        items = {self.made.questions[each].item for each in questions} - {""}
        self.assignments = [each for each in self.assignments if each.item not in items]
        self.comparisons = [
            each
            for each in self.comparisons
            if each.question not in questions and not gone & set(each.pair or ())
        ]
        for each in questions:
            self.made.questions.pop(each, None)
            self.first_answers.pop(each, None)
        for each in gone:
            del self.made.completions[each]

    def withdraw_case(self, case: str) -> None:
        """Forget a case's questions, its correct answer and the organ of its slides."""
        references = self.made.case_references
        self.made.case_references = {
            token: each for token, each in references.items() if each != case
        }
        about = {each.id for each in self.made.questions.values() if each.slide.case == case}
        self.withdraw_questions(about)
        self.made.forget_organ(case)

    def withdraw_rater(self, rater: str) -> None:
        """Forget an actor's feedback, assignments and first answers, and unrated questions."""
        rated = {
            self.made.completions[completion].question
            for each in self.feedback
            if each.rater != rater
            for completion in {each.completion, each.other} - {""}
        }
        self.feedback = [each for each in self.feedback if each.rater != rater]
        self.assignments = [each for each in self.assignments if each.rater != rater]
        self.comparisons = [each for each in self.comparisons if each.rater != rater]
        own = {each.id for each in self.made.questions.values() if each.asker == rater}
        for question in own:
            self.first_answers.pop(question, None)
            self.made.questions[question].blind = False  # nobody can answer first any more
        for token, secrets in self.secrets.items():  # two withdrawals leave nothing either
            self.secrets[token] = [each for each in secrets if each.owner != rater]
        self.withdraw_questions(own - rated)

    # what the policy says

    def viewer(self, name: str) -> Viewer:
        """The actor as the policy takes it."""
        account = self.made.accounts[name]
        return BY_NAME[name].viewer(account, retired=name in self.retired)

    def state(
        self, name: str, question: Question, completion: str = "", pair: Pair | None = None
    ) -> State:
        """What an actor has done about a question, one of its completions and a pair."""
        turn = self.latest(name, question.item) if question.is_of_item else None
        repeating = turn is not None and turn.round > 0 and not turn.ended
        since = turn.at if turn is not None and repeating else 0
        ids = [each.id for each in question.completions]
        given = [each for each in self.current() if each.rater == name and each.at >= since]

        def judged(one: str) -> bool:
            return {each.kind for each in given if each.completion == one} >= UNLOCKING

        rated = turn is not None and any(
            each.at >= turn.at
            and each.fields.get("choice") != UNDONE
            and each.kind in ("verdict", VOTE)
            and {each.completion, each.other} & set(ids)
            for each in given
        )
        asked = question.asker == name
        first = question.id in self.first_answers
        return State(
            is_asker=asked,
            awaits_author=question.blind and not first and bool(question.completions),
            assignment=_assigned(turn),
            has_answered=turn is not None and turn.answer is not None,
            is_repeating=repeating,
            comparison=self._comparison(name, ids),
            has_full_feedback=judged(completion) if completion else False,
            has_all_feedback=bool(ids) and all(map(judged, ids)),
            has_rated=rated,
            has_voted=pair is not None and self._voted(name, pair),
            is_repeating_pair=pair is not None and self.repeats_pair(name, pair) is not None,
            is_teaching=question.worklist is not None and question.worklist.teaching,
        )

    def repeats_pair(self, name: str, pair: Pair) -> Comparison | None:
        """The open repeat of a pair."""
        turns = self.compared(name, pair)
        return turns[-1] if turns and turns[-1].round and turns[-1].is_open else None

    def sees(self, name: str, content: Content, question: str, **about: Any) -> bool:
        """Whether an actor may see a content, as of now."""
        asked = self.made.questions[question]
        return decide(
            content, self.viewer(name), asked.mode, self.state(name, asked, **about)
        ).is_visible

    def sees_sides(self, name: str, pair: Pair) -> bool:
        """Whether an actor may see the texts of a pair without their models."""
        question = self.made.questions[self.made.completions[pair[0]].question]
        state = self.state(name, question)
        if pair in self.made.pairs:
            state = replace(state, comparison=_compared(self.compared(name, pair)))
        return decide(Content.sides, self.viewer(name), question.mode, state).is_visible

    def sees_answers(self, name: str, question: str) -> bool:
        """Whether an actor may see a question's completions."""
        return self.sees(name, Content.answers, question)

    def sees_secret(self, name: str, token: str) -> bool:
        """Whether an actor may see a word."""
        return any(self.sees_one(name, secret) for secret in self.secrets.get(token, ()))

    def count_hidden(self, name: str) -> int:
        """Number of words that an actor may not see now."""
        if name not in self._hidden:
            self._hidden[name] = sum(not self.sees_secret(name, each) for each in self.secrets)
        return self._hidden[name]

    def tick(self) -> int:
        """Number a new act."""
        self.now += 1
        self._current = None
        self._hidden.clear()
        self._decisions.clear()
        return self.now

    def sees_one(self, name: str, secret: Secret) -> bool:
        """Whether an actor may see a secret."""
        key = name, secret
        if key not in self._decisions:
            self._decisions[key] = self._decide(name, secret)
        return self._decisions[key]

    def _decide(self, name: str, secret: Secret) -> bool:
        if secret.content is Content.reference and secret.completion:
            return self.sees_case(name, secret.completion)
        if secret.question not in self.made.questions:
            return False
        if secret.owner == name:
            return self._sees_own(name, secret)
        about = {"completion": secret.completion, "pair": secret.pair}
        return self.sees(name, secret.content, secret.question, **about)

    def sees_case(self, name: str, case: str) -> bool:
        """Whether an actor may see the correct answer of a case through one of its questions."""
        of_case = [each for each in self.made.questions.values() if each.slide.case == case]
        return any(self.sees_case_by(name, each) for each in of_case)

    def sees_case_by(self, name: str, question: Question) -> bool:
        """Whether an actor may see the case's correct answer beside a question.

        All questions of worklists about the case must be judged, because it is their answer too.
        """
        about = [
            each
            for each in self.made.questions.values()
            if each.is_of_item and each.slide.case == question.slide.case
        ]
        pending = any(not self._is_judged(name, each) for each in about)
        return self.sees(name, Content.reference, question.id) and not (
            pending and self.viewer(name).rates
        )

    def _is_judged(self, name: str, question: Question) -> bool:
        state = self.state(name, question)
        return state.has_all_feedback and state.comparison is not Compared.pair_open

    def _sees_own(self, name: str, secret: Secret) -> bool:
        """Only what precedes an open repeat is hidden from its author."""
        question = self.made.questions[secret.question]
        if secret.pair is not None:
            repeat = self.repeats_pair(name, secret.pair)
            since = 0 if repeat is None else repeat.at
        else:
            turn = self.latest(name, question.item) if question.is_of_item else None
            since = turn.at if turn is not None and turn.round and not turn.ended else 0
        if secret.at >= since:
            return True
        about = {"completion": secret.completion, "pair": secret.pair}
        return self.sees(name, OWN[secret.content], secret.question, **about)

    def sees_feedback(self, name: str, given: Feedback) -> bool:
        """Whether an actor may see feedback or a vote."""
        return self.sees_one(name, self.secret_of(given))

    def secret_of(self, given: Feedback) -> Secret:
        """Feedback as a secret."""
        question = self.made.completions[given.completion].question
        is_vote = given.kind == VOTE
        return Secret(
            Content.votes if is_vote else Content.feedback,
            given.rater,
            question,
            "" if is_vote else given.completion,
            given.pair if is_vote else None,
            given.at,
        )

    def visible_feedback(self, name: str) -> list[Feedback]:
        """All feedback that an actor may see, superseded feedback included."""
        return [each for each in self.feedback if self.sees_feedback(name, each)]

    def list_first_answers(self) -> Iterator[tuple[str, Question, str, int | None, int, int]]:
        """Rater, question, answer, confidence, round and act of every first answer."""
        for id_, (answer, confidence, at) in self.first_answers.items():
            question = self.made.questions[id_]
            yield question.asker, question, answer, confidence, 0, at
        for turn in self.assignments:
            if turn.answer is not None:
                question = self.made.questions[self.made.items[turn.item]]
                yield turn.rater, question, turn.answer, turn.confidence, turn.round, turn.at

    def _voted(self, name: str, pair: Pair) -> bool:
        votes = [each for each in self.current() if each.rater == name and each.slot[2:] == pair]
        asked_again = self.repeats_pair(name, pair) is not None
        return not asked_again and any(each.fields["choice"] != UNDONE for each in votes)

    def _comparison(self, name: str, ids: list[str]) -> Compared:
        """A vote counts more than a pair that may still come, and that more than one skipped."""
        states = set()
        for pair in self.made.pairs:
            if set(pair) & set(ids):
                turns = self.compared(name, pair)
                states.add(_compared(turns))
        order = (
            Compared.pair_open,
            Compared.vote_given,
            Compared.pair_drawn,
            Compared.pair_skipped,
        )
        return next((each for each in order if each in states), Compared.no_pair)


def _assigned(turn: Assignment | None) -> Assigned:
    if turn is None:
        return Assigned.no_item
    return Assigned.item_ended if turn.ended else Assigned.item_open


def _compared(turns: list[Comparison]) -> Compared:
    if not turns:
        return Compared.pair_drawn
    if any(each.is_open for each in turns):
        return Compared.pair_open
    return Compared.vote_given if any(each.vote for each in turns) else Compared.pair_skipped
