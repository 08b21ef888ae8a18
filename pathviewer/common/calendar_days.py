"""Calendar days in a time zone, converted to the UTC moments at which they begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from pathviewer.common import user_messages

FIRST_YEAR, LAST_YEAR = 1970, 2999


class DayError(ValueError):
    """Text that is not a day or time zone; the message can be shown to users."""


@dataclass(frozen=True)
class DayRange:
    """Consecutive days in a time zone."""

    since: datetime | None
    """Start of the first day, UTC; `None` leaves the range open."""

    until: datetime | None
    """End of the last day, UTC; `None` leaves the range open."""

    zone: str
    """IANA name of the zone, such as `Pacific/Auckland`."""


def read_days(since: str, until: str, zone: str) -> DayRange:
    """Return the days from `since` to `until`, both included, written like 2026-03-31.

    An empty day leaves that end open; an empty zone is UTC. A day with a clock change lasts 23 or
    25 hours. Raises DayError.
    """
    name = zone.strip() or "UTC"
    if name not in _zones():
        raise DayError(user_messages.unknown_time_zone(name))
    first = _start(_date(since), name) if since.strip() else None
    end = _start(_date(until) + timedelta(days=1), name) if until.strip() else None
    return DayRange(first, end, name)


def _date(text: str) -> date:
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise DayError(user_messages.date_malformed(text)) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DayError(user_messages.date_out_of_range(text, FIRST_YEAR, LAST_YEAR))
    return day


def _start(day: date, zone: str) -> datetime:
    """Return the first moment of a day; if clocks skip midnight, the moment of the change."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
