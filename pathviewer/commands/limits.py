"""The page docs/limits.md, generated from the settings that are marked as limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pathviewer.settings import LimitGroup, Settings

INTRODUCTION = """\
# Limits

What one person, one file or one request may take, and what happens beyond it. Each is a
[setting](settings.md). This page is made by `python -m pathviewer limits > docs/limits.md`.

A request that is refused has the JSON error `{"error": {"code", "message"}}`: the message says
what to wait for. With 503 and 429 the header `Retry-After` says when to try again. An account is a
person, or a script with a token; without accounts everybody at this machine is one. Work whose
client has closed the connection is dropped while it waits for its turn, and never starts; what a
thread or a reader has begun goes on to its end, or to the limit of its time. No account has all
threads or all readers that do one kind of work, where there are several.
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


def limits() -> Iterator[Limit]:
    """Yield every limit in the order of the settings."""
    for name, field in Settings.model_fields.items():
        extra: Any = field.json_schema_extra
        if not isinstance(extra, dict) or "limit" not in extra:
            continue
        meaning = " ".join((field.description or "").split())
        default = f"{field.default:,}" if field.default >= 10_000 else str(field.default)
        yield Limit(
            variable=f"PATHVIEWER_{name.upper()}",
            default=default,
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
    return "\n".join([INTRODUCTION, *sections])


def row(limit: Limit) -> str:
    """Format a limit as a table row."""
    cells = limit.meaning, f"`{limit.variable}`", limit.default, limit.unit, limit.beyond
    return f"| {' | '.join(cells)} |"
