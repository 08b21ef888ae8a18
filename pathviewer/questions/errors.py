"""Errors of questions; their messages may be shown to users."""
# ruff: noqa: N818

from __future__ import annotations

from pathviewer.common.errors import UserError


class QuestionRefused(UserError):
    """A question or an answer of a person is refused; it would be refused again."""

    code = "reading_refused"


class QuestionConflict(QuestionRefused):
    """The request does not fit the state of the question, item or pair."""

    code = "reading_conflict"


class QuestionForbidden(QuestionRefused):
    """Another account may do this, but not the caller's."""

    code = "reading_forbidden"


class QuestionNotFound(UserError):
    """No question has this id, or the account may not see it."""

    code = "reading_not_found"
