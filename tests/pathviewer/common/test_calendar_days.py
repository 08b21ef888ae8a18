"""Days of a time zone begin and end where its clocks say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathviewer.common.calendar_days import DayError, read_days

# day, zone, the moment at which it begins, hours that it lasts, why
DAYS = [
    ("2026-03-31", "UTC", "2026-03-31T00:00", 24, "no zone"),
    ("2026-07-01", "Pacific/Auckland", "2026-06-30T12:00", 24, "winter, UTC+12"),
    ("2026-01-15", "Pacific/Auckland", "2026-01-14T11:00", 24, "summer, UTC+13"),
    ("2026-04-05", "Pacific/Auckland", "2026-04-04T11:00", 25, "clocks go back at 3"),
    ("2026-09-27", "Pacific/Auckland", "2026-09-26T12:00", 23, "clocks go forward at 2"),
    ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00", 23, "the other hemisphere"),
    ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00", 25, "and back"),
    ("2026-03-08", "America/Havana", "2026-03-08T05:00", 23, "midnight itself is skipped"),
    ("2026-11-01", "America/Havana", "2026-11-01T04:00", 25, "midnight comes twice"),
    ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00", 23, "midnight is skipped"),
    ("2026-07-01", "Asia/Kathmandu", "2026-06-30T18:15", 24, "three quarters of an hour"),
    ("2026-07-01", "Asia/Calcutta", "2026-06-30T18:30", 24, "an old name that browsers still say"),
    ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00", 0, "a day that was left out"),
]


@pytest.mark.parametrize(("day", "zone", "begins", "hours", "why"), DAYS)
def test_a_day_of_a_zone(day: str, zone: str, begins: str, hours: int, why: str) -> None:
    days = read_days(day, day, zone)
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert (days.since, days.until) == (start, start + timedelta(hours=hours)), why
    assert days.zone == zone


@given(
    st.dates(min_value=datetime(1971, 1, 1).date(), max_value=datetime(2040, 1, 1).date()),
    st.sampled_from(["UTC", "Pacific/Auckland", "America/Havana", "Europe/London", "Asia/Tehran"]),
)
def test_days_follow_one_another_without_gap_or_overlap(day: object, zone: str) -> None:
    following = day + timedelta(days=1)  # type: ignore[operator]
    assert read_days("", str(day), zone).until == read_days(str(following), "", zone).since


def test_what_is_left_out_is_open() -> None:
    days = read_days("", " ", "")
    assert (days.since, days.until, days.zone) == (None, None, "UTC")


@pytest.mark.parametrize(
    ("since", "until", "zone", "told"),
    [
        ("yesterday", "", "", "“yesterday” is not a date"),
        ("", "2026-02-30", "", "“2026-02-30” is not a date"),
        ("", "9999-12-31", "", "outside the years 1970 to 2999"),
        ("2026-01-01", "", "Middle-earth", "“Middle-earth” is not a time zone"),
        ("", "", "America", "not a time zone"),
        ("", "", "../../etc/localtime", "not a time zone"),
        ("", "", "/etc/localtime", "not a time zone"),
        ("", "", "pacific\0auckland", "not a time zone"),
    ],
)
def test_what_is_no_day_or_zone_is_refused(since: str, until: str, zone: str, told: str) -> None:
    with pytest.raises(DayError, match=told):
        read_days(since, until, zone)
