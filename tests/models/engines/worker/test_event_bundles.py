"""Tokens on their way to the program: the first at once, none late, none out of order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from models.engines.worker.event_bundles import BUNDLE_SECONDS, EventBundler
from models.engines.worker.messages import EventBatch
from models.messages import AttentionRows, Completion, CompletionEnd, Event, GenerationStart, Token
from tests.models.backend_with_answers import INFO


class Heard:
    """What was said, and when."""

    def __init__(self) -> None:
        self.bundles: list[tuple[Event, ...]] = []
        self.times: list[float] = []

    def __call__(self, message: EventBatch) -> None:
        self.bundles.append(message.events)
        self.times.append(time.monotonic())


def token(number: int, index: int = 0) -> Token:
    return Token("a", index, number, f"{number} ")


STARTED = GenerationStart("a", (), 1, INFO)
END = CompletionEnd("a", 0, Completion(""), 0.0, 0.0)
ROWS = AttentionRows("a", 0, 0, np.zeros((1, 1, 1), np.float32))


LONG = 60.0
"""Seconds that no test takes, however busy the machine."""


def kept(heard: Callable[[EventBatch], None], seconds: float = BUNDLE_SECONDS) -> EventBundler:
    """Bundles whose time is kept, as the worker's process keeps it."""
    bundles = EventBundler(heard, seconds)
    threading.Thread(target=bundles.flush_periodically, daemon=True).start()
    return bundles


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.001)


def test_the_first_token_goes_alone_and_those_after_it_together() -> None:
    heard = Heard()
    bundles = EventBundler(heard, LONG)
    bundles.add(token(0))
    assert heard.bundles == [(token(0),)]
    bundles.add(token(1))
    bundles.add(token(2))
    bundles.flush()
    assert heard.bundles[1:] == [(token(1), token(2))]


def test_the_start_keeps_no_token_waiting() -> None:
    heard = Heard()
    bundles = EventBundler(heard, LONG)
    bundles.add(STARTED)
    bundles.add(token(0))
    assert heard.bundles == [(STARTED,), (token(0),)]


@pytest.mark.parametrize("event", [ROWS, END])
def test_what_is_no_token_waits_for_nobody(event: Event) -> None:
    heard = Heard()
    bundles = EventBundler(heard, LONG)
    bundles.add(token(0))
    bundles.add(token(1))
    bundles.add(event)
    assert heard.bundles == [(token(0),), (token(1), event)]


def test_a_token_that_nothing_follows_is_told_too() -> None:
    heard = Heard()
    bundles = kept(heard)
    for index in range(3):  # three completions step by step: the step after may take a second
        bundles.add(token(0, index))
    until(lambda: sum(map(len, heard.bundles)) == 3)
    assert heard.bundles[0] == (token(0),)
    assert [event for bundle in heard.bundles for event in bundle] == [
        token(0, index) for index in range(3)
    ]


def test_no_message_is_sent_before_its_time() -> None:
    heard = Heard()
    bundles = kept(heard, LONG)
    for number in range(1000):
        bundles.add(token(number))
    assert len(heard.bundles) == 1
    bundles.flush()
    assert [each for bundle in heard.bundles for each in bundle] == list(map(token, range(1000)))


def test_slow_tokens_go_each_at_once() -> None:
    heard = Heard()
    bundles = kept(heard)
    for number in range(4):
        bundles.add(token(number))
        assert len(heard.bundles) == number + 1
        time.sleep(1.5 * BUNDLE_SECONDS)


def test_a_flush_without_anything_says_nothing() -> None:
    heard = Heard()
    EventBundler(heard).flush()
    assert not heard.bundles
