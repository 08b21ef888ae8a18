"""What can be wrong with a question, as errors whose message may be shown to whoever asked."""
# ruff: noqa: N818

from __future__ import annotations

from pathviewer.slides.errors import SlideError


class QuestionRefused(SlideError):
    """A question or an answer that cannot be taken."""

    code = "reading_refused"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status  # type: ignore[misc]  # the class says what most of them are


class QuestionNotFound(SlideError):
    """No reading has this id, or it is somebody else's."""

    code = "reading_not_found"
    status = 404
