"""Limits on password guessing."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

REMEMBERED_KEYS = 10_000


class Throttle:
    """Counts failed attempts per key (a name, an address) in a sliding window, in memory."""

    def __init__(
        self, attempts: int, window_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._attempts = attempts
        self._window = window_seconds
        self._clock = clock
        # at most `attempts` times per key, so memory is bounded
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._successes: OrderedDict[tuple[str, str], None] = OrderedDict()

    def seconds_to_wait(self, keys: Iterable[str]) -> float:
        """Return the seconds that the next attempt with these keys must wait; 0 if none."""
        return max((self._wait(key) for key in keys), default=0.0)

    def count_attempt(self, keys: Iterable[str]) -> None:
        """Count an attempt as failed before its password is checked: many may run at once."""
        for key in keys:
            moments = self._failures.setdefault(key, deque(maxlen=self._attempts))
            moments.append(self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED_KEYS:
            self._failures.popitem(last=False)

    def note_success(self, name_key: str, address_key: str) -> None:
        """Clear a name's failures and this attempt's count against the address."""
        self._failures.pop(name_key, None)
        self.uncount_attempt([address_key])
        self._successes[name_key, address_key] = None
        self._successes.move_to_end((name_key, address_key))
        while len(self._successes) > REMEMBERED_KEYS:
            self._successes.popitem(last=False)

    def uncount_attempt(self, keys: Iterable[str]) -> None:
        """Uncount an attempt whose password was not checked."""
        for key in keys:
            moments = self._failures.get(key)
            if moments:
                moments.pop()

    def has_succeeded(self, name_key: str, address_key: str) -> bool:
        """Return whether that name has logged in from that address before."""
        return (name_key, address_key) in self._successes

    def rank(self, name_key: str, address_key: str) -> int:
        """Return the likelihood of an honest attempt: 0 highest, 2 lowest."""
        if self.has_succeeded(name_key, address_key):
            return 0
        return 2 if self._failures.get(name_key) or self._failures.get(address_key) else 1

    def _wait(self, key: str) -> float:
        moments = self._failures.get(key)
        if not moments or len(moments) < self._attempts:
            return 0.0
        return max(0.0, moments[0] + self._window - self._clock())
