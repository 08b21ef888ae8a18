"""On whose behalf a request runs, as the guard wrote it into the ASGI scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pathviewer.auth.roles import SEES_ALL, Action, Role, allows
from storage.tables import LOCAL_ACCOUNT_ID

SCOPE_KEY = "pathviewer.identity"
"""Where the guard puts the identity."""

RECHECK_KEY = "pathviewer.still"
"""Where the guard puts a function that asks anew who is asking; None after a logout."""


VISITOR_ACTIONS = frozenset({Action.ask, Action.judge})
"""What a visitor of a public demo may do besides looking."""


@dataclass(frozen=True)
class Identity:
    """Who is asking."""

    account_id: str
    """Id of the account; `visitor` is never stored."""

    name: str
    """Name of the account."""

    role: Role
    """What the account may do."""

    rater: bool = True
    """Whether it judges, and so sees of others' judgments only those of what it judged itself."""

    visiting: bool = False
    """Whether it is a visitor of a public demo, who may ask and judge while the visit lasts."""

    client: str = field(default="", compare=False)
    """Client of a visitor who has not begun a visit, as `client_group` has it; else empty."""

    @property
    def bound_key(self) -> str:
        """Under which bounds, turns and readers count: the account, or the client of those who
        only look at a public demo, since a name costs them nothing."""
        return f"visitor {self.client}" if self.client else self.account_id

    def may(self, action: Action) -> bool:
        """Whether the account is allowed to do it."""
        if self.visiting and action in VISITOR_ACTIONS:
            return True
        return allows(self.role, action) and (self.rater or action is not Action.judge)

    @property
    def judges_all(self) -> bool:
        """Whether it sees everybody's readings and judges: what is blind is kept back from it."""
        return self.rater and self.role in SEES_ALL

    @property
    def viewer_id(self) -> str | None:
        """For whom others' judgments are held back; None where all may be seen."""
        return self.account_id if self.rater else None


LOCAL = Identity(LOCAL_ACCOUNT_ID, "local", Role.admin)
"""Whoever sits at this machine, while there are no accounts."""

VISITOR = Identity("visitor", "visitor", Role.viewer)
"""Anybody, in a public demo."""


NO_RATER = (
    "This account judges nothing, since it sees what others said. Judge with an account of a rater."
)


class Forbidden(Exception):  # noqa: N818  the name of the HTTP status
    """The account may not do this; the message is fit to be shown."""

    code = "forbidden"
    status = 403


def identity_of(scope: Mapping[str, Any]) -> Identity:
    """Who is asking; raises `Forbidden` on the few paths that are open to strangers."""
    identity = scope.get(SCOPE_KEY)
    if not isinstance(identity, Identity):
        raise Forbidden("Nobody is logged in; log in first.")
    return identity


def require(scope: Mapping[str, Any], action: Action) -> Identity:
    """Who is asking, if that account may do it; raises `Forbidden`."""
    identity = identity_of(scope)
    if not identity.may(action):
        raise Forbidden(refusal(identity, action))
    return identity


def refusal(identity: Identity, action: Action) -> str:
    """Why an account may not do something, and the way out."""
    if allows(identity.role, action):
        return NO_RATER
    wish = action.replace("_", " ")
    return f"The role {identity.role} may not {wish}. Ask an administrator for another role."


async def is_still_allowed(scope: Mapping[str, Any], action: Action) -> bool:
    """Whether whoever asked is still logged in and may still do this; for long answers.

    Raises StorageError.
    """
    ask = scope.get(RECHECK_KEY)
    if ask is None:  # no guard in front, as in tests of a few routes
        return True
    identity = await ask()
    same = identity is not None and identity.account_id == identity_of(scope).account_id
    return same and identity.may(action)
