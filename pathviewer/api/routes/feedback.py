"""Judging completions: what is said is appended, and nobody sees another's before his own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pathviewer.api.request_body import json_object
from pathviewer.auth.identity import Identity, require
from pathviewer.auth.roles import SEES_ALL, Action
from pathviewer.feedback.feedback_json import (
    by_kind,
    by_rater,
    feedback_json,
    of_kind,
    reward_json,
    said_since,
)
from pathviewer.feedback.request_body import KEY_LENGTH, read_feedback, text
from pathviewer.feedback.reward import judged_text
from pathviewer.questions.blinding import handed_out
from pathviewer.questions.errors import ReadingNotFound, ReadingRefused
from pathviewer.slides.errors import SlideGone, SlideNotFound
from storage import audit
from storage.errors import RecordNotFoundError, StorageError
from storage.feedback.store import Appended, append_feedback, current_feedback, history
from storage.group_commit import GroupWriter
from storage.questions.store import find_completion, find_reading
from storage.worklists.item_assignment import repeat_began
from storage.worklists.store import item_of_reading

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from starlette.requests import Request

    from pathviewer.auth.consent import Consents
    from pathviewer.slides.library import SlideLibrary
    from storage.database import Database
    from storage.questions.records import CompletionRecord, ReadingRecord

MOST_KNOWN = 1_000
"""Completions that are kept in memory for the next judgment."""


@dataclass(frozen=True)
class Judged:
    """A completion that somebody may judge."""

    completion: CompletionRecord
    """What the model wrote."""

    reading: ReadingRecord
    """In answer to what."""

    listed: bool = False
    """Whether it was made for a worklist, which says who may judge it when."""


def feedback_routes(
    library: SlideLibrary, database: Database, consents: Consents | None = None
) -> list[Route]:
    """Keep feedback, and see what was said of a completion; both need `judge`."""
    routes = FeedbackRoutes(library, database, consents)
    return [
        Route("/api/feedback", routes.keep, methods=["POST"]),
        Route("/api/completions/{completion_id}/feedback", routes.show, methods=["GET"]),
    ]


class FeedbackRoutes:
    """The handlers; what is kept is checked and written by one thread."""

    def __init__(
        self, library: SlideLibrary, database: Database, consents: Consents | None
    ) -> None:
        self._library = library
        self._consents = consents
        self._database = database
        self._writer = GroupWriter(database)
        self._known: LRUCache[str, Judged] = LRUCache(MOST_KNOWN)  # of that thread

    async def keep(self, request: Request) -> Response:
        """`POST`: 201 once it is on the disk; 200 for what was kept before under the same key."""
        identity = require(request.scope, Action.judge)
        body = dict(await json_object(request))
        check_sender(identity, body.pop("account", None))
        if self._consents is not None:
            await self._consents.ask(identity)
        try:
            kept = self._writer.submit(partial(self._keep, identity, body))
            judged, done = await asyncio.wrap_future(kept)
        except StorageError:
            self._known = LRUCache(MOST_KNOWN)  # a completion may have been withdrawn
            raise
        told = {
            "id": done.record.id,
            "created_at": done.record.created_at.isoformat(),
            "supersedes": done.record.supersedes_id,
            "reward": reward_json(judged.completion, done.current),
        }
        return JSONResponse(told, 200 if done.repeated else 201)

    async def show(self, request: Request) -> Response:
        """`GET`: one's own, and the others' as soon as one's own verdict and labels are in."""
        identity = require(request.scope, Action.judge)
        completion_id = request.path_params["completion_id"]
        return JSONResponse(await run_in_threadpool(self._show, identity, completion_id))

    def _keep(
        self, identity: Identity, body: Mapping[str, Any], session: Session
    ) -> tuple[Judged, Appended]:
        judged = self._judged(session, identity, text(body, "completion", KEY_LENGTH))
        slide = self._size(judged.reading.slide_id)
        new = read_feedback(body, judged_text(judged.completion.text), slide)
        if new.other_completion_id is not None:
            check_pair(judged, self._judged(session, identity, new.other_completion_id))
        done = append_feedback(session, identity.account_id, new)
        if not done.repeated:
            detail = {"kind": new.kind, "feedback": done.record.id}
            audit.record(session, identity.account_id, "judge", new.completion_id, detail)
        return judged, done

    def _judged(self, session: Session, identity: Identity, completion_id: str) -> Judged:
        """As `find_judged`; what cannot change any more is not read again."""
        judged = self._known.get(completion_id)
        if judged is None or judged.listed:
            judged = self._known[completion_id] = find_judged(session, identity, completion_id)
        else:
            check_judge(identity, judged, given=False)
        return judged

    def _size(self, slide_id: str) -> tuple[int, int] | None:
        """Width and height of a slide, level-0 pixels; None if it is gone."""
        try:
            entry = self._library.entry(slide_id)
        except (SlideNotFound, SlideGone):
            return None
        return entry.width, entry.height

    def _show(self, identity: Identity, completion_id: str) -> dict[str, Any]:
        with self._database.reading() as session:
            judged = find_judged(session, identity, completion_id)
            current = current_feedback(session, [judged.completion.id])
            said = history(session, [judged.completion.id])
            afresh = repeat_began(session, judged.reading.id, identity.account_id)
        own = said_since(current, identity.account_id, afresh)
        mine = said_since(said, identity.account_id, afresh)
        withheld = not {"verdict", "labels"} <= {record.kind for record in own}
        return {
            "own": by_kind(own) | {"preferences": of_kind(own, "preference")},
            "history": [feedback_json(record) for record in reversed(mine)],
            "others": None if withheld else by_rater(current, said, identity.account_id),
            "others_withheld": withheld,
            "reward": reward_json(judged.completion, own),
        }


def check_sender(identity: Identity, account: object) -> None:
    """Raises ReadingRefused where a page speaks for another account than is logged in by now.

    A tab that was left open in a shared browser sends with the cookie of whoever came after.
    """
    if account not in (None, identity.account_id):
        message = "Somebody else is logged in in this browser now; load the page anew."
        raise ReadingRefused(message, 403)


def find_judged(session: Session, identity: Identity, completion_id: str) -> Judged:
    """A completion that this account may judge: one of a reading that it may see, or was given.

    Raises ReadingNotFound, and ReadingRefused while the account's own answer comes first.
    """
    try:
        if "\0" in completion_id:  # which PostgreSQL takes for a mistake, not for an unknown id
            raise RecordNotFoundError
        completion = find_completion(session, completion_id)
    except RecordNotFoundError:
        raise ReadingNotFound("There is no such answer among yours.") from None
    reading = find_reading(session, completion.reading_id)
    listed = item_of_reading(session, reading.id) is not None
    given = listed and handed_out(
        session, reading.id, identity.account_id, judges_all=identity.judges_all
    )
    judged = Judged(completion, reading, listed)
    check_judge(identity, judged, given)
    return judged


def check_judge(identity: Identity, judged: Judged, given: bool) -> None:
    """What `find_judged` raises for an account that may not judge a completion, or not yet.

    `given` says whether a worklist gave it to the account.
    """
    reading = judged.reading
    own = given or identity.account_id == reading.account_id
    if not own and identity.role not in SEES_ALL:
        raise ReadingNotFound("There is no such answer among yours.")
    if reading.blind and reading.first_answer is None:
        message = "The model's answer is kept back until the first answer is given; give it first."
        raise ReadingRefused(message, 409)


def check_pair(one: Judged, other: Judged) -> None:
    """Raises ReadingRefused unless two completions answer the same question."""
    asked = [(each.reading.pixels_sha256, each.reading.prompt) for each in (one, other)]
    if asked[0] != asked[1]:
        raise ReadingRefused(
            "Only answers to the same question about the same region can be compared."
        )
