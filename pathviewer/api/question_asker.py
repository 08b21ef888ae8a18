"""Asks a question for a caller: checks, pixels and start, each in its lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pathviewer.common.work_queue import WRITES, while_connected
from pathviewer.questions.preparation import prepare_question

if TYPE_CHECKING:
    from pathviewer.auth.identity import Identity
    from pathviewer.common.work_queue import Client, Work
    from pathviewer.questions.model_input import Pictures
    from pathviewer.questions.preparation import PreparedQuestion
    from pathviewer.questions.request import QuestionRequest
    from pathviewer.questions.run import QuestionRun
    from pathviewer.questions.service import QuestionService

T = TypeVar("T")


class QuestionAsker:
    """Asks questions for routes and Gradio endpoints."""

    def __init__(self, questions: QuestionService, pictures: Pictures, work: Work) -> None:
        self._questions = questions
        self._pictures = pictures
        self._work = work

    async def ask(
        self,
        caller: Identity,
        client: Client,
        request: QuestionRequest,
        then: Callable[[QuestionRun], T],
    ) -> T:
        """Prepare a question unless the client disconnects, start it, and return `then` of its run.

        Raises QuestionRefused, SlideError, ModelError, TooBusy, ClientGone, StorageError.
        """
        account = caller.account_id
        self._questions.check_model()
        self._questions.check_capacity(account)

        running = self._questions.model_info()

        def prepare() -> PreparedQuestion:
            return prepare_question(request, account, self._pictures, running)

        question = await while_connected(client, lambda: self._work.pictures.run(prepare, account))
        return await WRITES.run(lambda: then(self._questions.start(question)), account)
