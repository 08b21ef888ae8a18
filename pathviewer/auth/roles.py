"""Roles and the actions they allow."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Roles of accounts, from most to fewest rights."""

    admin = "admin"
    researcher = "researcher"
    clinician = "clinician"
    viewer = "viewer"


class Action(StrEnum):
    """Actions that need permission."""

    view_slides = "view_slides"
    draw_regions = "draw_regions"
    upload_slides = "upload_slides"
    describe_slides = "describe_slides"
    ask = "ask"
    judge = "judge"
    export = "export"
    see_insights = "see_insights"
    read_audit = "read_audit"
    administer = "administer"


_VIEWER = frozenset({Action.view_slides})
_CLINICIAN = _VIEWER | {
    Action.draw_regions,
    Action.upload_slides,
    Action.describe_slides,
    Action.ask,
    Action.judge,
}
_ALLOWED = {
    Role.viewer: _VIEWER,
    Role.clinician: _CLINICIAN,
    Role.researcher: _CLINICIAN | {Action.export, Action.see_insights},
    Role.admin: frozenset(Action),
}


SEES_ALL = frozenset({Role.researcher, Role.admin})
"""Roles that see the questions of all accounts."""


def allows(role: Role, action: Action) -> bool:
    """Return whether a role allows an action."""
    return action in _ALLOWED[role]
