"""Long work, told by an endpoint as it goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import gradio as gr

    from pathviewer.api.in_process_client import Inside
    from pathviewer.questions.service import LiveReadings

POLL_SECONDS = 0.2
"""How often is looked how far something is."""


async def reading_told(
    readings: LiveReadings, reading_id: str, count: int
) -> AsyncIterator[dict[str, Any]]:
    """How far a reading is, whenever that changes, until the model has written all."""
    number, ended, before = 0, 0, ""
    while (live := readings.live(reading_id)) is not None:
        over = live.whole.record.state != "running"
        events = live.since(number)
        number = events[-1][0] if events else number
        ended += sum(event["type"] == "ended" for _, event in events)
        told = [sentence(event) for _, event in events]
        now = next((each for each in reversed(told) if each), before)
        if now != before:
            before = now
            progress = {"progress": now, "ended": ended, "count": count}
            yield {"id": reading_id, "state": "running", **progress}
        if over:
            return
        await asyncio.sleep(POLL_SECONDS)


def sentence(event: dict[str, Any]) -> str:
    """What an event of a reading says of how far it is; empty for those that say nothing."""
    if event["type"] == "queued":
        return f"{event['position']} questions before this one"
    if event["type"] == "started":
        return "the model reads the question"
    if event["type"] == "comparing":
        return "looking where the answers looked"
    if event["type"] != "text":
        return ""
    trace = event["trace"]
    part = f"step {max(1, len(trace['steps']))}" if trace["answer"] is None else "the answer"
    return f"answer {event['index'] + 1}: {part}"


async def export_told(
    inside: Inside, request: gr.Request, export_id: str
) -> AsyncIterator[dict[str, Any]]:
    """How far an export is, whenever that changes, until it is done or has failed."""
    before = None
    while True:
        job: dict[str, Any] = await inside.get(request, "/api/exports/{}", export_id)
        if job["state"] == "done":
            job["archive"] = f"/api/exports/{export_id}.zip"
        if job != before:
            before = job
            yield job
        if job["state"] != "running":
            return
        await asyncio.sleep(POLL_SECONDS)
