"""Errors of questions; their messages may be shown to users."""
# ruff: noqa: N818

from __future__ import annotations

from pathviewer.slides.errors import SlideError


class QuestionRefused(SlideError):
    """A question or a first answer is refused."""

    code = "reading_refused"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status  # type: ignore[misc]  # overrides the class default


class QuestionNotFound(SlideError):
    """No question has this id, or the account may not see it."""

    code = "reading_not_found"
    status = 404
