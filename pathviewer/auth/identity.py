"""The identity of a request, which the guard stores in the ASGI scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pathviewer.auth import user_messages
from pathviewer.auth.roles import SEES_ALL, Action, Role, allows
from pathviewer.common.errors import UserError
from storage.blinding.policy import Viewer
from storage.tables import LOCAL_ACCOUNT_ID

SCOPE_KEY = "pathviewer.identity"
"""Scope key of the identity."""

RECHECK_KEY = "pathviewer.still"
"""Scope key of a function that identifies the caller again; it returns None after a logout."""


VISITOR_ACTIONS = frozenset({Action.ask, Action.judge})
"""Actions of a public demo's visitors besides viewing."""


@dataclass(frozen=True)
class Identity:
    """Identity of a request."""

    account_id: str
    """Id of the account; `visitor` is never stored."""

    name: str
    """Name of the account."""

    role: Role
    """Role of the account."""

    rater: bool = True
    """Whether it is a rater, who sees others' feedback only on what they have judged."""

    visiting: bool = False
    """Whether it is a visitor of a public demo, who may ask and judge during the visit."""

    client: str = field(default="", compare=False)
    """Client group of a visitor who has not begun a visit; otherwise empty."""

    @property
    def bound_key(self) -> str:
        """Key of limits, queues and readers: the account, or the client of a visitor without a
        visit.

        Visitors can make up names at no cost, so names cannot be limited.
        """
        return f"visitor {self.client}" if self.client else self.account_id

    def may(self, action: Action) -> bool:
        """Return whether the account may perform an action."""
        if self.visiting and action in VISITOR_ACTIONS:
            return True
        return allows(self.role, action) and (self.rater or action is not Action.judge)

    @property
    def viewer(self) -> Viewer:
        """The account as the policy of blinding knows it."""
        return Viewer(self.account_id, rates=self.rater, sees_all=self.role in SEES_ALL)


LOCAL = Identity(LOCAL_ACCOUNT_ID, "local", Role.admin)
"""The person at this machine, while there are no accounts."""

VISITOR = Identity("visitor", "visitor", Role.viewer)
"""Any visitor of a public demo."""


class Forbidden(UserError):  # noqa: N818  the name of the HTTP status
    """The account may not do this; the message may be shown to the client."""

    code = "forbidden"


def identity_of(scope: Mapping[str, Any]) -> Identity:
    """Return the identity; raises `Forbidden` on the few paths open without a login."""
    identity = scope.get(SCOPE_KEY)
    if not isinstance(identity, Identity):
        raise Forbidden(user_messages.NOT_LOGGED_IN)
    return identity


def bound_key_of(scope: Mapping[str, Any]) -> str:
    """Return the identity's `bound_key`; empty on the few paths open without a login."""
    identity = scope.get(SCOPE_KEY)
    return identity.bound_key if isinstance(identity, Identity) else ""


def require(scope: Mapping[str, Any], action: Action) -> Identity:
    """Return the identity if it may perform the action; raises `Forbidden`."""
    identity = identity_of(scope)
    if not identity.may(action):
        raise Forbidden(refusal(identity, action))
    return identity


def refusal(identity: Identity, action: Action) -> str:
    """Return why an identity may not perform an action, and the way out."""
    if allows(identity.role, action):
        return user_messages.NO_RATER
    wish = action.replace("_", " ")
    return user_messages.role_too_low(identity.role, wish)


async def is_still_allowed(scope: Mapping[str, Any], action: Action) -> bool:
    """Return whether the caller is still logged in and allowed; for long responses.

    Raises StorageError.
    """
    ask = scope.get(RECHECK_KEY)
    if ask is None:  # no guard in front, as in tests of a few routes
        return True
    identity = await ask()
    same = identity is not None and identity.account_id == identity_of(scope).account_id
    return same and identity.may(action)
