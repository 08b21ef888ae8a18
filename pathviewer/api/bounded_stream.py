"""Responses that are sent while they are made, within their account's limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

from pathviewer.auth.identity import bound_key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from pathviewer.common.work_queue import AccountBounds, WorkKind


class BoundedStream(StreamingResponse):
    """A stream that counts towards its account's limit while it is sent, then closes its source."""

    def __init__(
        self,
        texts: AsyncGenerator[str],
        bounds: AccountBounds,
        kind: WorkKind,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(texts, headers=headers, media_type=media_type)
        self._texts = texts
        self._bounds = bounds
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. Raises TooBusy above the limit."""
        with self._bounds.slot(bound_key_of(scope), self._kind):
            async with aclosing(self._texts):
                await super().__call__(scope, receive, send)
