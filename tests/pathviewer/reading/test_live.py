from __future__ import annotations

from models.messages import PixelBudget, Prompt, Queued, Sampling, Token
from pathviewer.reading.asked import Asked
from pathviewer.reading.live import LiveReading


def blind_reading() -> LiveReading:
    asked = Asked(
        account_id="local",
        slide_id="slide",
        facts={},
        prompt=Prompt("How cellular is this region?"),
        sampling=Sampling(),
        budget=PixelBudget(784, 50_176),
        options=(),
        count=1,
        blind=True,
    )
    return LiveReading(asked)


def kinds(reading: LiveReading) -> list[str]:
    return [event["type"] for _, event in reading.since(0)]


def test_a_blind_reading_that_was_stopped_in_the_queue_has_ended() -> None:
    reading = blind_reading()
    reading.hear(Queued("r", 2))
    reading.end("stopped")
    assert kinds(reading) == ["queued", "done"]
    assert reading.as_json()["state"] == "stopped"


def test_a_blind_reading_that_was_stopped_in_the_middle_still_waits_for_the_answer() -> None:
    reading = blind_reading()
    reading.hear(Token("r", 0, 1, "high"))
    reading.end("stopped")
    assert kinds(reading) == []
    reading.freeze_answer("low", None)
    assert kinds(reading)[-1] == "done"
    assert reading.as_json()["state"] == "stopped"
