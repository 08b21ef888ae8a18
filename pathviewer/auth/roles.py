"""Who may do what: four roles, a table."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account is, from the widest rights to the narrowest."""

    admin = "admin"
    researcher = "researcher"
    clinician = "clinician"
    viewer = "viewer"


class Action(StrEnum):
    """What can be allowed or not."""

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
"""Roles that see every account's readings."""


def allows(role: Role, action: Action) -> bool:
    """Whether an account of that role may do it."""
    return action in _ALLOWED[role]
