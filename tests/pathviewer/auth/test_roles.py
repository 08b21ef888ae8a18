"""Every role against every action."""

from __future__ import annotations

import pytest

from pathviewer.auth.identity import (
    LOCAL,
    SCOPE_KEY,
    VISITOR,
    Forbidden,
    Identity,
    identity_of,
    require,
)
from pathviewer.auth.roles import Action, Role, allows

TABLE = {
    #                 admin  researcher  clinician  viewer
    "view_slides": (True, True, True, True),
    "draw_regions": (True, True, True, False),
    "upload_slides": (True, True, True, False),
    "describe_slides": (True, True, True, False),
    "ask": (True, True, True, False),
    "judge": (True, True, True, False),
    "export": (True, True, False, False),
    "see_insights": (True, True, False, False),
    "read_audit": (True, False, False, False),
    "administer": (True, False, False, False),
}
ROLES = ("admin", "researcher", "clinician", "viewer")
CELLS = [
    (role, action, answer)
    for action, answers in TABLE.items()
    for role, answer in zip(ROLES, answers, strict=True)
]


def test_the_table_has_every_role_and_action() -> None:
    assert set(TABLE) == set(Action)
    assert set(ROLES) == set(Role)


@pytest.mark.parametrize(("role", "action", "answer"), CELLS)
def test_a_role_may_do_what_the_table_says(role: str, action: str, answer: bool) -> None:
    identity = Identity("id", "ada", Role(role))
    assert allows(identity.role, Action(action)) is answer
    if answer:
        assert require({SCOPE_KEY: identity}, Action(action)) == identity
    else:
        with pytest.raises(Forbidden, match=f"{role} may not {action.replace('_', ' ')}"):
            require({SCOPE_KEY: identity}, Action(action))


def test_the_two_identities_without_an_account() -> None:
    assert LOCAL.role is Role.admin
    assert VISITOR.role is Role.viewer


@pytest.mark.parametrize("scope", [{}, {SCOPE_KEY: None}, {SCOPE_KEY: "local"}])
def test_a_request_without_an_identity_may_do_nothing(scope: dict[str, object]) -> None:
    with pytest.raises(Forbidden, match="log in"):
        identity_of(scope)
