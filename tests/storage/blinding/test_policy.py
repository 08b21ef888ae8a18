"""Laws of the blinding policy, over every viewer, mode and state that there can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from itertools import product
from operator import attrgetter
from typing import Any

import pytest

from storage.blinding.policy import (
    Access,
    Assignment,
    Comparison,
    Content,
    Decision,
    Mode,
    Reason,
    State,
    Viewer,
    decide,
)

OWN = (Content.own_feedback, Content.own_vote, Content.own_first_answer)
OTHERS = (Content.feedback, Content.votes, Content.first_answers)
ABOUT_COMPLETIONS = (Content.feedback, Content.first_answers, Content.reference)
VIEWERS = [Viewer("a", rates, sees_all) for rates in (True, False) for sees_all in (True, False)]
RATERS = [each for each in VIEWERS if each.rates]
VALUES: dict[str, tuple[Any, ...]] = {
    "assignment": tuple(Assignment),
    "comparison": tuple(Comparison),
}
"""Values of the fields that are not yes or no."""


_QUESTION = ("is_asker", "assignment", "has_answered", "comparison")
FIELDS: dict[Content, tuple[str, ...]] = {
    Content.question: _QUESTION,
    Content.answers: (*_QUESTION, "awaits_author"),
    Content.sides: ("is_asker", "comparison"),
    Content.own_feedback: ("is_repeating",),
    Content.feedback: ("comparison", "has_full_feedback"),
    Content.own_vote: ("is_repeating_pair",),
    Content.votes: ("has_voted",),
    Content.names: ("has_voted",),
    Content.own_first_answer: ("is_repeating",),
    Content.first_answers: ("comparison", "has_all_feedback"),
    Content.reference: ("comparison", "has_all_feedback", "has_rated", "is_teaching"),
}
"""What each content depends on; `test_nothing_else_matters` holds it to that."""


@cache
def states(names: tuple[str, ...]) -> tuple[State, ...]:
    """Every combination of these fields, possible or not."""
    values = [VALUES.get(name, (False, True)) for name in names]
    return tuple(State(**dict(zip(names, each, strict=True))) for each in product(*values))


def visible(content: Content, viewer: Viewer, mode: Mode, state: State) -> bool:
    """Whether the policy shows it."""
    return decide(content, viewer, mode, state).is_visible


def cases(*contents: Content) -> Iterator[tuple[Content, Mode, State]]:
    """Every case of some contents."""
    for content in contents:
        yield from product((content,), Mode, states(FIELDS[content]))


@pytest.mark.parametrize("content", Content)
def test_nothing_else_matters(content: Content) -> None:
    """All of the fields together: those that a content does not depend on change nothing."""
    names = FIELDS[content]
    relevant = attrgetter(*names)
    for viewer, mode in product(VIEWERS, Mode):
        known = {relevant(each): decide(content, viewer, mode, each) for each in states(names)}
        for state in states(tuple(field.name for field in fields(State))):
            assert decide(content, viewer, mode, state) == known[relevant(state)]


def test_every_case_has_an_answer() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            decision = decide(content, viewer, mode, state)
            assert isinstance(decision, Decision)
            shown = decision.reason in (Reason.nothing_pending, Reason.not_a_rater)
            assert decision.is_visible == shown


def test_only_what_is_not_theirs_is_hidden_for_good() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            if decide(content, viewer, mode, state).access is Access.hidden:
                assert content in (Content.question, Content.answers, Content.sides)


@pytest.mark.parametrize("content", ABOUT_COMPLETIONS)
def test_a_rater_sees_nothing_of_others_before_their_own(content: Content) -> None:
    for viewer in RATERS:
        for _, mode, state in cases(content):
            given = (
                state.has_full_feedback
                or state.has_all_feedback
                or (state.is_teaching and state.has_rated)
            )
            if not given:
                assert not visible(content, viewer, mode, state)


def test_a_rater_sees_feedback_after_that_on_the_same_completion_alone() -> None:
    for viewer in RATERS:
        for _, mode, state in cases(Content.feedback):
            if not state.has_full_feedback:
                assert not visible(Content.feedback, viewer, mode, state)


def test_a_rater_sees_first_answers_after_their_feedback_on_every_completion() -> None:
    for viewer in RATERS:
        for _, mode, state in cases(Content.first_answers):
            if not state.has_all_feedback:
                assert not visible(Content.first_answers, viewer, mode, state)


@pytest.mark.parametrize("content", [Content.votes, Content.names])
def test_a_rater_sees_votes_and_names_with_a_vote_of_their_own(content: Content) -> None:
    for viewer in RATERS:
        for _, mode, state in cases(content):
            assert visible(content, viewer, mode, state) == state.has_voted


@pytest.mark.parametrize("content", ABOUT_COMPLETIONS)
def test_an_open_vote_hides_what_concerns_the_completions(content: Content) -> None:
    for viewer in RATERS:
        for _, mode, state in cases(content):
            if state.comparison is Comparison.pair_open:
                access = decide(content, viewer, mode, state).access
                assert access is Access.vote_first


def test_a_rater_sees_no_answers_while_their_vote_on_them_is_open() -> None:
    for viewer in RATERS:
        for _, mode, state in cases(Content.answers):
            if state.comparison is Comparison.pair_open:
                assert not visible(Content.answers, viewer, mode, state)


def test_a_rater_of_a_blind_worklist_answers_first() -> None:
    for viewer in RATERS:
        for _, mode, state in cases(Content.answers):
            can_answer = state.assignment is Assignment.item_open or (
                state.comparison in (Comparison.no_pair, Comparison.pair_drawn)
            )
            if mode is Mode.blind_list and can_answer and not state.has_answered:
                assert not visible(Content.answers, viewer, mode, state)


def test_nobody_sees_the_answers_of_a_blind_question_before_its_author() -> None:
    for viewer in VIEWERS:
        for _, mode, state in cases(Content.answers):
            if state.awaits_author:
                assert not visible(Content.answers, viewer, mode, state)


def test_answers_are_seen_by_nobody_who_does_not_know_the_question() -> None:
    for viewer in VIEWERS:
        for _, mode, state in cases(Content.answers):
            if visible(Content.answers, viewer, mode, state):
                assert visible(Content.question, viewer, mode, state)


def test_a_rater_sees_the_sides_of_a_pair_that_they_were_given_or_asked_for() -> None:
    for viewer in RATERS:
        for _, mode, state in cases(Content.sides):
            given = state.comparison not in (Comparison.no_pair, Comparison.pair_drawn)
            assert visible(Content.sides, viewer, mode, state) == (given or state.is_asker)


def test_only_those_concerned_and_roles_that_see_all_see_answers() -> None:
    for viewer in VIEWERS:
        for _, mode, state in cases(Content.answers):
            strange = not state.is_asker and state.assignment is Assignment.no_item
            strange &= state.comparison not in (Comparison.pair_open, Comparison.vote_given)
            hidden = decide(Content.answers, viewer, mode, state).access is Access.hidden
            assert hidden == (strange and not viewer.sees_all)


def test_a_role_that_sees_all_and_rates_nothing_sees_all_but_unanswered_blind_questions() -> None:
    for content, mode, state in cases(*Content):
        waits = content is Content.answers and state.awaits_author
        assert visible(content, Viewer("a", False, True), mode, state) == (not waits)


def test_nothing_comes_first_for_whoever_does_not_rate() -> None:
    """They see what they have access to, also without a role that sees all."""
    for content, mode, state in cases(*Content):
        access = decide(content, Viewer("a", False, False), mode, state).access
        waits = content is Content.answers and state.awaits_author
        assert access in (Access.visible, Access.hidden) or waits


def test_a_repeat_hides_ones_own_earlier_feedback_until_it_ends() -> None:
    for viewer in RATERS:
        for content, mode, state in cases(Content.own_feedback, Content.own_first_answer):
            assert visible(content, viewer, mode, state) != state.is_repeating
        for content, mode, state in cases(Content.own_vote):
            assert visible(content, viewer, mode, state) != state.is_repeating_pair


def test_ones_own_work_is_visible_outside_repeats() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*OWN):
            if not (state.is_repeating or state.is_repeating_pair):
                assert visible(content, viewer, mode, state)


@pytest.mark.parametrize(
    "act", ["has_full_feedback", "has_all_feedback", "has_rated", "has_voted", "has_answered"]
)
def test_an_act_hides_nothing(act: str) -> None:
    """What was visible before the viewer gave feedback, a vote or an answer is visible after."""
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            if not getattr(state, act) and visible(content, viewer, mode, state):
                done: dict[str, Any] = {act: True}
                assert visible(content, viewer, mode, replace(state, **done))


def test_the_authors_answer_hides_nothing() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            if state.awaits_author and visible(content, viewer, mode, state):
                assert visible(content, viewer, mode, replace(state, awaits_author=False))


def test_a_vote_given_hides_nothing_that_an_open_one_showed() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            if state.comparison is Comparison.pair_open and visible(content, viewer, mode, state):
                voted = replace(state, comparison=Comparison.vote_given)
                assert visible(content, viewer, mode, voted)


def test_an_ended_assignment_hides_nothing_that_an_open_one_showed() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            if state.assignment is Assignment.item_open and visible(content, viewer, mode, state):
                ended = replace(state, assignment=Assignment.item_ended, is_repeating=False)
                assert visible(content, viewer, mode, ended)


def test_the_end_of_a_role_as_a_rater_hides_nothing() -> None:
    for viewer in RATERS:
        for content, mode, state in cases(*Content):
            if visible(content, viewer, mode, state):
                assert visible(content, replace(viewer, rates=False), mode, state)


def test_a_role_that_sees_all_hides_nothing() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content) if not viewer.sees_all else ():
            if visible(content, viewer, mode, state):
                assert visible(content, replace(viewer, sees_all=True), mode, state)


def test_a_blind_worklist_shows_nothing_that_an_open_one_hides() -> None:
    for viewer in VIEWERS:
        for content, mode, state in cases(*Content):
            if mode is Mode.blind_list and visible(content, viewer, mode, state):
                assert visible(content, viewer, Mode.open_list, state)


def test_who_looks_does_not_matter_beyond_rating_and_role() -> None:
    for content, mode, state in cases(*Content):
        for viewer in VIEWERS:
            same = replace(viewer, account_id="b")
            assert decide(content, viewer, mode, state) == decide(content, same, mode, state)


def test_a_teaching_worklist_shows_the_reference_with_the_first_verdict_or_vote() -> None:
    for viewer in RATERS:
        for _, mode, state in cases(Content.reference):
            if state.comparison is not Comparison.pair_open:
                taught = state.is_teaching and state.has_rated
                shown = visible(Content.reference, viewer, mode, state)
                assert shown == (taught or state.has_all_feedback)


@pytest.mark.parametrize(
    ("content", "mode", "state", "access", "reason"),
    [
        (Content.answers, Mode.own_question, State(), Access.hidden, Reason.not_theirs),
        (
            Content.answers,
            Mode.own_question,
            State(is_asker=True, awaits_author=True),
            Access.answer_first,
            Reason.own_answer_missing,
        ),
        (
            Content.answers,
            Mode.blind_list,
            State(assignment=Assignment.item_open),
            Access.answer_first,
            Reason.own_answer_missing,
        ),
        (
            Content.answers,
            Mode.open_list,
            State(comparison=Comparison.pair_open),
            Access.vote_first,
            Reason.vote_missing,
        ),
        (Content.feedback, Mode.own_question, State(), Access.judge_first, Reason.feedback_missing),
        (
            Content.own_feedback,
            Mode.blind_list,
            State(is_repeating=True, has_full_feedback=True),
            Access.judge_first,
            Reason.repeat_open,
        ),
        (
            Content.own_vote,
            Mode.open_list,
            State(is_repeating_pair=True),
            Access.vote_first,
            Reason.repeat_open,
        ),
    ],
)
def test_what_comes_first_is_said(
    content: Content, mode: Mode, state: State, access: Access, reason: Reason
) -> None:
    assert decide(content, Viewer("a", True, False), mode, state) == Decision(access, reason)


def test_whoever_sees_all_is_told_that_the_author_has_yet_to_answer() -> None:
    decision = decide(
        Content.answers, Viewer("a", True, True), Mode.own_question, State(awaits_author=True)
    )
    assert decision == Decision(Access.answer_first, Reason.author_answer_missing)
