"""Which slide somebody looks at: what stands beside every answer, and goes along with a question.

A question that is sent holds the identity that its page showed. The server compares it with its
own before it reads a pixel, so that no answer is about another slide, stain or scale than was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from pathviewer.slides.errors import BadIdentity, SlideChanged
from pathviewer.slides.scale import SlideScale

LabelState = Literal["shown", "hidden", "none"]
"""Of the picture of the slide's label: shown on the page, hidden by the settings, or not there."""

_WORDS = {"name": "name", "case": "case", "stain": "stain", "scale": "scale", "label": "label"}


@dataclass(frozen=True)
class SlideIdentity:
    """What a person can tell a slide by."""

    alias: str
    """Its alias, which reports show."""

    name: str
    """What the page calls it: the alias, or the file's name if the settings show names."""

    case: str | None
    """Name of its case; None if that is not known, or the settings show no names."""

    stain: str | None
    """Such as H&E; None if that is not known."""

    scale: str
    """The scale in use, in words."""

    label: LabelState
    """What there is to see of its label."""


def scale_words(scale: SlideScale) -> str:
    """The scale in use, such as `0.25 µm per pixel, entered by hand`."""
    if scale.size is None:
        return "scale unknown"
    by_hand = ", entered by hand" if scale.source == "entered" else ""
    return f"{scale.size.text} µm per pixel{by_hand}"


def check_identity(page_identity: object, current: SlideIdentity) -> None:
    """Refuse a question whose page showed another identity than the slide has; None was not sent.

    Raises SlideChanged, which names what differs, or BadIdentity for what is no identity.
    """
    if page_identity is None:
        return
    here = asdict(current)
    if not isinstance(page_identity, dict) or page_identity.keys() != here.keys():
        names = ", ".join(field.name for field in fields(SlideIdentity))
        raise BadIdentity(
            f"identity is the one of GET /api/slides/ID, with {names}; or leave it out."
        )
    changed = [word for name, word in _WORDS.items() if page_identity[name] != here[name]]
    if page_identity["alias"] != here["alias"] and "name" not in changed:
        changed.insert(0, "name")
    if changed:
        changed_words = " and ".join(
            [", ".join(changed[:-1]), changed[-1]] if changed[1:] else changed
        )
        has = "have" if changed[1:] else "has"
        raise SlideChanged(
            f"Not asked: the slide's {changed_words} {has} changed since the page loaded it. It is "
            f"now {identity_text(here)}. Look at it again, then ask."
        )


def identity_json(
    identity: Mapping[str, Any] | None, *, shows_names: bool
) -> dict[str, Any] | None:
    """A stored identity as a client may see it, None for None.

    It was stored under the settings of its day: where today's settings do not show names of files
    and cases, the alias takes the place of the name and no case stands.
    """
    if identity is None or shows_names:
        return None if identity is None else dict(identity)
    return {**identity, "name": identity["alias"], "case": None}


def identity_text(identity: Mapping[str, Any] | None, *, report: bool = False) -> str:
    """A stored identity in words, "" for None. In a `report` no case and no file's name stands."""
    if identity is None:
        return ""
    case = None if report or not identity["case"] else f"case {identity['case']}"
    parts = (
        identity["alias" if report else "name"],
        case,
        identity["stain"] or "stain unknown",
        identity["scale"],
        "no label in the file" if identity["label"] == "none" else f"label {identity['label']}",
    )
    return ", ".join(part for part in parts if part)
