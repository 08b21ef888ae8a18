"""Who may see what: the one rule of blinding, without a database.

No rater sees another's label before their own. `decide` says, for one viewer and one content,
whether it is visible, what comes first otherwise, or that it stays hidden. `conditions` holds the
same rule in SQL, and `state` reads states from the database; nothing else decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from storage import user_messages


class Content(StrEnum):
    """What a response may contain."""

    question = "question"
    """That a question was asked: its text, region, picture and model."""

    answers = "answers"
    """A question's completions: texts, steps, maps and their model."""

    sides = "sides"
    """The two texts of a pair with their maps, without their models."""

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
    pair_open = "a pair of the answers awaits the viewer's vote"
    feedback_missing = "the viewer's verdict or labels are missing"
    repeat_open = "the viewer judges it again"


class Mode(StrEnum):
    """Where a question comes from."""

    own_question = "own question"
    open_list = "worklist"
    blind_list = "blind worklist"


class Assignment(StrEnum):
    """A viewer's latest assignment of an item."""

    no_item = "none"
    item_open = "open"
    item_ended = "ended"


class Comparison(StrEnum):
    """A viewer's comparisons of a question's completions."""

    no_pair = "none"
    pair_drawn = "drawn"
    """A pair with one of them exists; the viewer has not been given it."""

    pair_open = "open"
    """The viewer has a pair with one of them and has not voted on it."""

    vote_given = "voted"
    pair_skipped = "skipped"


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

    What the viewer did before an open repeat does not count.
    """

    is_asker: bool = False
    """Whether the viewer asked the question."""

    awaits_author: bool = False
    """Whether the question is blind, and the person who asked has yet to answer it themselves."""

    assignment: Assignment = Assignment.no_item
    """The viewer's latest assignment of the item that the question was asked for."""

    has_answered: bool = False
    """Whether they have given their own answer in it."""

    is_repeating: bool = False
    """Whether it is an open repeat."""

    comparison: Comparison = Comparison.no_pair
    """The viewer's comparisons of the question's completions."""

    has_full_feedback: bool = False
    """Whether the viewer has given verdict and labels on the completion."""

    has_all_feedback: bool = False
    """The same of all the question's completions; False if there are none."""

    has_rated: bool = False
    """Whether the viewer has given a verdict or vote on one of them since the item came to them."""

    has_voted: bool = False
    """Whether the viewer's vote on the pair counts: given, not undone, and not asked for again."""

    is_repeating_pair: bool = False
    """Whether the viewer compares the pair again and has not voted yet."""

    is_teaching: bool = False
    """Whether the worklist teaches."""

    @property
    def takes_part(self) -> bool:
        """Whether the viewer asked the question, or was given its item or a pair to vote on."""
        compares = self.comparison in (Comparison.pair_open, Comparison.vote_given)
        return self.is_asker or self.assignment is not Assignment.no_item or compares


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

    @property
    def refusal(self) -> str:
        """The sentence for the viewer; "" if the content is visible."""
        return "" if self.is_visible else user_messages.BLINDING_REFUSALS[self.reason.name]


VISIBLE = Decision(Access.visible, Reason.nothing_pending)
NOT_BLINDED = Decision(Access.visible, Reason.not_a_rater)
JUDGE_FIRST = Decision(Access.judge_first, Reason.feedback_missing)
VOTE_FIRST = Decision(Access.vote_first, Reason.vote_missing)


def decide(content: Content, viewer: Viewer, mode: Mode, state: State) -> Decision:
    """Return whether the viewer may see the content, and why."""
    return _RULES[content](viewer, mode, state)


def awaits_author(*, blind: bool, answered: bool, has_text: bool) -> bool:
    """Return whether a question hides its completions from everybody.

    A blind question does until the person who asked it has answered; `has_text` is false for one
    that ended without completions, which has nothing to hide.
    """
    return blind and not answered and has_text


def _decide_answers(viewer: Viewer, mode: Mode, state: State) -> Decision:
    if state.awaits_author and (state.takes_part or viewer.sees_all):
        author = Reason.own_answer_missing if state.is_asker else Reason.author_answer_missing
        return Decision(Access.answer_first, author)
    return _decide_question(viewer, mode, state)


def _decide_question(viewer: Viewer, mode: Mode, state: State) -> Decision:
    if not (state.takes_part or viewer.sees_all):
        return Decision(Access.hidden, Reason.not_theirs)
    if not viewer.rates:
        return NOT_BLINDED
    if state.comparison is Comparison.pair_open:
        return VOTE_FIRST
    assigned = state.assignment is not Assignment.no_item
    # after comparing the texts, only a rater with the item still open answers it unaided
    compared = state.comparison in (Comparison.vote_given, Comparison.pair_skipped)
    too_late = compared and state.assignment is not Assignment.item_open
    owes_answer = not (state.has_answered or too_late)
    if mode is Mode.blind_list and owes_answer:
        return Decision(Access.answer_first, Reason.own_answer_missing)
    if state.comparison is Comparison.pair_drawn and not assigned:
        return VOTE_FIRST  # the pair may still come to them, and a question names its model
    return VISIBLE


def _decide_sides(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    if viewer.sees_all and not viewer.rates:
        return NOT_BLINDED
    given = state.is_asker or state.comparison not in (Comparison.no_pair, Comparison.pair_drawn)
    return VISIBLE if given else Decision(Access.hidden, Reason.not_theirs)


def _decide_own_feedback(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    """Feedback from before an open repeat; later feedback is always visible to its rater."""
    if not viewer.rates:
        return NOT_BLINDED
    return Decision(Access.judge_first, Reason.repeat_open) if state.is_repeating else VISIBLE


def _decide_feedback(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    return _after_feedback(viewer, state, given=state.has_full_feedback)


def _decide_own_vote(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    """A vote from before an open repeat; a later one is always visible to its rater."""
    if not viewer.rates:
        return NOT_BLINDED
    return Decision(Access.vote_first, Reason.repeat_open) if state.is_repeating_pair else VISIBLE


def _decide_votes(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    if not viewer.rates:
        return NOT_BLINDED
    return VISIBLE if state.has_voted else VOTE_FIRST


def _decide_first_answers(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    return _after_feedback(viewer, state, given=state.has_all_feedback)


def _decide_reference(viewer: Viewer, _mode: Mode, state: State) -> Decision:
    taught = state.is_teaching and state.has_rated
    return _after_feedback(viewer, state, given=taught or state.has_all_feedback)


def _after_feedback(viewer: Viewer, state: State, *, given: bool) -> Decision:
    """Visible once feedback is given, and no vote on one of the completions is open."""
    if not viewer.rates:
        return NOT_BLINDED
    if state.comparison is Comparison.pair_open:
        return Decision(Access.vote_first, Reason.pair_open)
    return VISIBLE if given else JUDGE_FIRST


_RULES: Mapping[Content, Callable[[Viewer, Mode, State], Decision]] = {
    Content.question: _decide_question,
    Content.answers: _decide_answers,
    Content.sides: _decide_sides,
    Content.own_feedback: _decide_own_feedback,
    Content.feedback: _decide_feedback,
    Content.own_vote: _decide_own_vote,
    Content.votes: _decide_votes,
    Content.names: _decide_votes,
    Content.own_first_answer: _decide_own_feedback,
    Content.first_answers: _decide_first_answers,
    Content.reference: _decide_reference,
}
