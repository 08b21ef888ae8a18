"""Identity of a slide as displayed: stored with every answer and sent with every question.

A question carries the identity that its page displayed. The server compares it with the current one
before it reads a pixel, so that no answer is about another slide, stain or scale than displayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pathviewer.slides import user_messages
from pathviewer.slides.errors import SlideChanged
from pathviewer.slides.scale import SlideScale
from pathviewer.slides.slide_facts import LabelInFile

LabelState = Literal["shown", "hidden", "unnamed", "none"]
"""State of the label image.

Shown on the page, hidden, perhaps there as a picture without a name, or missing.
"""

_LABELS = {
    "shown": "label shown",
    "hidden": "label hidden",
    "unnamed": "an unnamed picture may be a label",
    "none": "no label in the file",
}

_WORDS = {"name": "name", "case": "case", "stain": "stain", "scale": "scale", "label": "label"}


@dataclass(frozen=True)
class SlideIdentity:
    """Data by which a person identifies a slide."""

    alias: str
    """Its alias, which reports show."""

    name: str
    """Displayed name: the alias, or the file's name if the settings show names."""

    case: str | None
    """Name of its case; None if unknown, or if the settings show no names."""

    stain: str | None
    """Such as H&E; None if unknown."""

    scale: str
    """The scale in use, in words."""

    label: LabelState
    """Whether the file holds a label, and whether it is shown."""


def scale_words(scale: SlideScale) -> str:
    """Describe the scale in use, such as `0.25 µm per pixel, entered by hand`."""
    if scale.size is None:
        return "scale unknown"
    by_hand = ", entered by hand" if scale.source == "entered" else ""
    return f"{scale.size.text} µm per pixel{by_hand}"


def label_state(label: LabelInFile, *, is_shown: bool) -> LabelState:
    """Return the state of a label in a file; `is_shown`: whether label images may be shown."""
    if label == "readable":
        return "shown" if is_shown else "hidden"
    states: dict[LabelInFile, LabelState] = {"left out": "hidden", "possible": "unnamed"}
    return states.get(label, "none")


def check_identity(page: SlideIdentity | None, current: SlideIdentity) -> None:
    """Refuse a question whose caller saw another identity; None means that it sent none.

    Raises SlideChanged, which names the differences.
    """
    if page is None:
        return
    page_identity, here = asdict(page), asdict(current)
    changed = [word for name, word in _WORDS.items() if page_identity[name] != here[name]]
    if page_identity["alias"] != here["alias"] and "name" not in changed:
        changed.insert(0, "name")
    if changed:
        changed_words = " and ".join(
            [", ".join(changed[:-1]), changed[-1]] if changed[1:] else changed
        )
        has = "have" if changed[1:] else "has"
        raise SlideChanged(user_messages.identity_changed(changed_words, has, identity_text(here)))


def identity_json(
    identity: Mapping[str, Any] | None, *, shows_names: bool
) -> dict[str, Any] | None:
    """Return a stored identity as a client may see it, None for None.

    It was stored under the settings of its time. If the current settings do not show names of files
    and cases, the alias replaces the name and the case is removed.
    """
    if identity is None or shows_names:
        return None if identity is None else dict(identity)
    return {**identity, "name": identity["alias"], "case": None}


def identity_text(identity: Mapping[str, Any] | None, *, report: bool = False) -> str:
    """Describe a stored identity, "" for None. A `report` shows no case and no file name."""
    if identity is None:
        return ""
    case = None if report or not identity["case"] else f"case {identity['case']}"
    parts = (
        identity["alias" if report else "name"],
        case,
        identity["stain"] or "stain unknown",
        identity["scale"],
        _LABELS[identity["label"]],
    )
    return ", ".join(part for part in parts if part)
