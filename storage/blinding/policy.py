"""Who may see what: the one rule of blinding, without a database.

No rater sees another's label before their own. `decide` says, for one viewer and one content,
whether it is visible, what comes first otherwise, or that it stays hidden. `conditions` holds the
same rule in SQL, and `state` reads states from the database; nothing else decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Content(StrEnum):
    """What a response may contain."""

    answers = "answers"
    """A question's completions: texts, steps, maps, picture, model and provenance."""

    own_feedback = "own_feedback"
    """The viewer's feedback on a completion."""

    feedback = "feedback"
    """Feedback on a completion by other raters and by judge models."""

    own_vote = "own_vote"
    """The viewer's vote on a pair."""

    votes = "votes"
    """Votes on a pair by other raters."""

    names = "names"
    """The models of a pair, and how the pair was drawn."""

    own_first_answer = "own_first_answer"
    """The answer that the viewer gave before they saw a model's."""

    first_answers = "first_answers"
    """Such answers by other raters."""

    reference = "reference"
    """The correct answer of a worklist's item or of the slide's case."""


class Access(StrEnum):
    """Whether content is visible, and what comes first otherwise."""

    visible = "visible"
    answer_first = "answer first"
    vote_first = "vote first"
    judge_first = "judge first"
    hidden = "hidden"


class Reason(StrEnum):
    """Why."""

    nothing_pending = "nothing comes first"
    not_a_rater = "the viewer is not a rater"
    not_theirs = "the viewer neither asked the question nor was assigned it"
    own_answer_missing = "the viewer's own answer is missing"
    author_answer_missing = "the answer of the person who asked is missing"
    vote_missing = "the viewer's vote is missing"
    feedback_missing = "the viewer's verdict or labels are missing"
    repeat_open = "the viewer judges it again"


class Mode(StrEnum):
    """Where a question comes from."""

    own = "own question"
    open_list = "worklist"
    blind_list = "blind worklist"


class Assignment(StrEnum):
    """A viewer's latest assignment of an item."""

    none = "none"
    open = "open"
    ended = "ended"


class Comparison(StrEnum):
    """A viewer's comparisons of a question's completions."""

    none = "none"
    drawn = "drawn"
    """A pair with one of them exists; the viewer has not been given it."""
    open = "open"
    """The viewer has a pair with one of them and has not voted on it."""
    voted = "voted"
    skipped = "skipped"


@dataclass(frozen=True)
class Viewer:
    """An account that looks."""

    account_id: str
    """Its id."""

    rates: bool
    """Whether it gives feedback; blinding applies to raters alone."""

    sees_all: bool
    """Whether its role sees the questions of all accounts."""


@dataclass(frozen=True)
class State:
    """What a viewer has done about a question, one of its completions and a pair.

    A repeat begins anew: what the viewer did before an open repeat does not count.
    """

    asked: bool = False
    """Whether the viewer asked the question."""

    awaits_author: bool = False
    """Whether the question is blind, and the person who asked has yet to answer it themselves."""

    assignment: Assignment = Assignment.none
    """The viewer's latest assignment of the item that the question was asked for."""

    answered: bool = False
    """Whether they have given their own answer in it."""

    repeating: bool = False
    """Whether it is an open repeat."""

    comparison: Comparison = Comparison.none
    """The viewer's comparisons of the question's completions."""

    judged: bool = False
    """Whether the viewer has given verdict and labels on the completion."""

    all_judged: bool = False
    """The same of all the question's completions; False if there are none."""

    rated: bool = False
    """Whether the viewer has given a verdict or vote on one of them."""

    voted: bool = False
    """Whether the viewer's vote on the pair counts: given, not undone, and not asked for again."""

    repeating_pair: bool = False
    """Whether the viewer compares the pair again and has not voted yet."""

    teaching: bool = False
    """Whether the worklist teaches."""


@dataclass(frozen=True)
class Decision:
    """The answer of the policy."""

    access: Access
    """Whether the content is visible."""

    reason: Reason
    """Why."""

    @property
    def is_visible(self) -> bool:
        """Whether the content may be shown."""
        return self.access is Access.visible


VISIBLE = Decision(Access.visible, Reason.nothing_pending)
UNBLINDED = Decision(Access.visible, Reason.not_a_rater)
JUDGE_FIRST = Decision(Access.judge_first, Reason.feedback_missing)
VOTE_FIRST = Decision(Access.vote_first, Reason.vote_missing)


def decide(content: Content, viewer: Viewer, mode: Mode, state: State) -> Decision:
    """Return whether the viewer may see the content, and why."""
    return _RULES[content](viewer, mode, state)


def _decide_answers(viewer: Viewer, mode: Mode, state: State) -> Decision:
    assigned = state.assignment is not Assignment.none
    compares = state.comparison in (Comparison.open, Comparison.voted)
    if not (state.asked or assigned or compares or viewer.sees_all):
        return Decision(Access.hidden, Reason.not_theirs)
    if state.awaits_author:
        author = Reason.own_answer_missing if state.asked else Reason.author_answer_missing
        return Decision(Access.answer_first, author)
    if not viewer.rates:
        return UNBLINDED
    if state.comparison is Comparison.open:
        return VOTE_FIRST
    owes_answer = not (state.answered if assigned else state.comparison is Comparison.voted)
    if mode is Mode.blind_list and owes_answer:
        return Decision(Access.answer_first, Reason.own_answer_missing)
    if state.comparison is Comparison.drawn and not assigned:
        return VOTE_FIRST  # the pair may still come to them, and a question names its model
    return VISIBLE


def _decide_own_feedback(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    """Feedback from before an open repeat; later feedback is always visible to its rater."""
    if not viewer.rates:
        return UNBLINDED
    return Decision(Access.judge_first, Reason.repeat_open) if state.repeating else VISIBLE


def _decide_feedback(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    return _after_feedback(viewer, state, given=state.judged)


def _decide_own_vote(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    """A vote from before an open repeat; a later one is always visible to its rater."""
    if not viewer.rates:
        return UNBLINDED
    return Decision(Access.vote_first, Reason.repeat_open) if state.repeating_pair else VISIBLE


def _decide_votes(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    if not viewer.rates:
        return UNBLINDED
    return VISIBLE if state.voted else VOTE_FIRST


def _decide_first_answers(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    return _after_feedback(viewer, state, given=state.all_judged)


def _decide_reference(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    taught = state.teaching and state.rated
    return _after_feedback(viewer, state, given=taught or state.all_judged)


def _after_feedback(viewer: Viewer, state: State, *, given: bool) -> Decision:
    """Visible once feedback is given, and no vote on one of the completions is open."""
    if not viewer.rates:
        return UNBLINDED
    if state.comparison is Comparison.open:
        return VOTE_FIRST
    return VISIBLE if given else JUDGE_FIRST


_RULES: Mapping[Content, Callable[[Viewer, Mode, State], Decision]] = {
    Content.answers: _decide_answers,
    Content.own_feedback: _decide_own_feedback,
    Content.feedback: _decide_feedback,
    Content.own_vote: _decide_own_vote,
    Content.votes: _decide_votes,
    Content.names: _decide_votes,
    Content.own_first_answer: _decide_own_feedback,
    Content.first_answers: _decide_first_answers,
    Content.reference: _decide_reference,
}
