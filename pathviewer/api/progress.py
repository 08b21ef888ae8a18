"""Progress streams of Gradio endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from pathviewer.api import user_messages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pathviewer.questions.service import QuestionService

POLL_SECONDS = 0.2
"""Interval between two checks of an export."""


async def stream_question_progress(
    questions: QuestionService, question_id: str, count: int
) -> AsyncIterator[dict[str, Any]]:
    """Yield a run's progress at each change, until the run ends."""
    run = questions.find_run(question_id)
    if run is None:
        return
    number, ended, before = 0, 0, ""
    with run.listeners.register() as listener:
        finished = False
        while not finished:
            finished = run.released or run.snapshot.record.state != "running"
            events = run.events_since(number)
            number = events[-1][0] if events else number
            ended += sum(event["type"] == "ended" for _, event in events)
            sentences = [describe_event(event) for _, event in events]
            latest = next((each for each in reversed(sentences) if each), before)
            if latest != before:
                before = latest
                progress = {"progress": latest, "ended": ended, "count": count}
                yield {"id": question_id, "state": "running", **progress}
            if not finished:
                await listener.wait()


def describe_event(event: dict[str, Any]) -> str:
    """Describe the progress that an event reports; empty if it reports none."""
    if event["type"] == "queued":
        return user_messages.queue_position(event["position"])
    if event["type"] == "started":
        return user_messages.MODEL_READS_QUESTION
    if event["type"] == "comparing":
        return user_messages.COMPUTING_MAPS
    if event["type"] != "text":
        return ""
    trace = event["trace"]
    step_number = max(1, len(trace["steps"])) if trace["answer"] is None else None
    return user_messages.answer_progress(event["index"] + 1, step_number)


async def stream_export_progress(
    find: Callable[[], Awaitable[dict[str, Any]]],
) -> AsyncIterator[dict[str, Any]]:
    """Yield an export's state, which `find` returns, at each change until its end."""
    before = None
    while True:
        job = await find()
        if job["state"] == "done":
            job["archive"] = f"/api/exports/{job['id']}.zip"
        if job != before:
            before = job
            yield job
        if job["state"] != "running":
            return
        await anyio.sleep(POLL_SECONDS)
