"""Days as their reader means them: in a time zone, as the moments at which they begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

FIRST_YEAR, LAST_YEAR = 1970, 2999


class DayError(ValueError):
    """A text that is no day or no time zone; the message is a sentence to be shown."""


@dataclass(frozen=True)
class DayRange:
    """Consecutive days of a time zone."""

    since: datetime | None
    """The moment at which the first day begins, UTC; None leaves the beginning open."""

    until: datetime | None
    """The moment at which the last day has ended, UTC; None leaves the end open."""

    zone: str
    """IANA name of the zone, such as `Pacific/Auckland`."""


def read_days(since: str, until: str, zone: str) -> DayRange:
    """The days from `since` to `until`, both included, written like 2026-03-31.

    An empty day leaves that end open; an empty zone is UTC. A day lasts 23 or 25 hours where
    clocks change on it. Raises DayError.
    """
    name = zone.strip() or "UTC"
    if name not in _zones():
        raise DayError(
            f"“{name[:60]}” is no time zone that this server knows; write it like "
            "Pacific/Auckland, or UTC."
        )
    first = _start(_date(since), name) if since.strip() else None
    end = _start(_date(until) + timedelta(days=1), name) if until.strip() else None
    return DayRange(first, end, name)


def _date(text: str) -> date:
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise DayError(f"“{text[:40]}” is no day; write it like 2026-03-31.") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DayError(f"“{text[:40]}” is no day on which anybody used this program.")
    return day


def _start(day: date, zone: str) -> datetime:
    """The first moment of a day. Where clocks skip midnight it is the moment of the change."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
