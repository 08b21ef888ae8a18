"""The page docs/limits.md, generated from the settings that are limits and from fixed bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pathviewer.api.routes.uploads import CHECKS_PER_ACCOUNT
from pathviewer.auth.visitors import MOST_VISITS
from pathviewer.server.connections import MOST_HEADER_BYTES
from pathviewer.server.gradio_requests import MOST_VALUES
from pathviewer.server.gradio_sessions import MOST_SESSIONS, SESSIONS_PER_ACCOUNT
from pathviewer.server.request_limits import KIB, LONGEST_PATH, LONGEST_QUERY
from pathviewer.settings import LimitGroup, Settings
from pathviewer.slides.geojson import MAX_BYTES, MAX_FEATURES

INTRODUCTION = """\
# Limits

What one person, one file or one request may take, and what happens beyond it. Each is a
[setting](settings.md), except those under [Fixed](#fixed). This page is made by
`python -m pathviewer limits > docs/limits.md`.

A refused request gets the JSON error `{"error": {"code", "message"}}`; the message says what to do.
With 503 and 429 the header `Retry-After` says when to try again. An account is a person, or a
script with a token; without accounts everybody at this machine is one. Work whose client has closed
the connection is dropped while it waits for its turn, and never starts; what a thread or a reader
has begun goes on to its end, or to the limit of its time. A call of a named endpoint is finished
even if its stream has been closed, since Gradio does not say so; it counts towards its account's
calls until then. Where several threads or readers do one kind of work, no account gets all of them.
"""
FIXED_HEAD = """\
## Fixed

No setting changes these.

| limit | value | unit | beyond it |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Limit:
    """A setting that is a limit."""

    group: LimitGroup
    """Section of the page."""
    variable: str
    """Environment variable."""
    default: str
    """Default, formatted."""
    unit: str
    """Unit."""
    meaning: str
    """Description, in a sentence."""
    beyond: str
    """Behaviour beyond the limit."""


@dataclass(frozen=True)
class FixedLimit:
    """A constant that is a limit."""

    meaning: str
    """Description, in a sentence."""
    value: int
    """The constant."""
    unit: str
    """Unit."""
    beyond: str
    """Behaviour beyond the limit."""


SESSION_REFUSAL = "the session idle longest is dropped; else 503 `too_many_calls`"
FIXED_LIMITS = (
    FixedLimit(
        "Longest request line and headers together.", MOST_HEADER_BYTES, "bytes", "431 `too_large`"
    ),
    FixedLimit("Longest path of an address.", LONGEST_PATH, "bytes", "414 `too_long`"),
    FixedLimit("Longest query of an address.", LONGEST_QUERY, "bytes", "414 `too_long`"),
    FixedLimit(
        "Largest file of regions (GeoJSON), also unpacked.",
        MAX_BYTES // KIB,
        "KiB",
        "413 `too_large`; 400 `bad_geojson` when only the unpacked file is larger",
    ),
    FixedLimit("Most regions in one file.", MAX_FEATURES, "regions", "400 `bad_geojson`"),
    FixedLimit(
        "Most values in the body of a call of a named endpoint, nested ones included.",
        MOST_VALUES,
        "values",
        "413 `too_large`",
    ),
    FixedLimit(
        "Sessions of Gradio that one account may have, which hold results until they are read.",
        SESSIONS_PER_ACCOUNT,
        "sessions",
        SESSION_REFUSAL,
    ),
    FixedLimit("Sessions of Gradio of all accounts.", MOST_SESSIONS, "sessions", SESSION_REFUSAL),
    FixedLimit(
        "Uploads of one account that are checked at once, after their last byte.",
        CHECKS_PER_ACCOUNT,
        "checks",
        "the next waits for its turn",
    ),
    FixedLimit(
        "Visits of a public demo at once.",
        MOST_VISITS,
        "visits",
        "503 `too_many_visitors`; looking at slides goes on",
    ),
)


def limits() -> Iterator[Limit]:
    """Yield every limit in the order of the settings."""
    for name, field in Settings.model_fields.items():
        extra: Any = field.json_schema_extra
        if not isinstance(extra, dict) or "limit" not in extra:
            continue
        meaning = " ".join((field.description or "").split())
        yield Limit(
            variable=f"PATHVIEWER_{name.upper()}",
            default=_number(field.default),
            meaning=meaning,
            **extra["limit"],
        )


def limits_page() -> str:
    """Return the page as Markdown."""
    all_limits = list(limits())
    sections = []
    for group in get_args(LimitGroup):
        rows = [row(each) for each in all_limits if each.group == group]
        if rows:
            title = f"## {group.capitalize()}"
            head = "| limit | setting | default | unit | beyond it |\n|---|---|---|---|---|"
            sections.append(f"{title}\n\n{head}\n" + "\n".join(rows) + "\n")
    fixed = FIXED_HEAD + "\n".join(fixed_row(each) for each in FIXED_LIMITS) + "\n"
    return "\n".join([INTRODUCTION, *sections, fixed])


def row(limit: Limit) -> str:
    """Format a limit as a table row."""
    cells = limit.meaning, f"`{limit.variable}`", limit.default, limit.unit, limit.beyond
    return f"| {' | '.join(cells)} |"


def fixed_row(limit: FixedLimit) -> str:
    """Format a fixed limit as a table row."""
    return f"| {limit.meaning} | {_number(limit.value)} | {limit.unit} | {limit.beyond} |"


def _number(value: float) -> str:
    return f"{value:,}" if value >= 10_000 else str(value)
