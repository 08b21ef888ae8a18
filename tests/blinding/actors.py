"""The accounts of the scenario: who they are, and what the policy calls them."""

from __future__ import annotations

from dataclasses import dataclass

from pathviewer.auth.roles import SEES_ALL, Role
from storage.blinding.policy import Viewer


@dataclass(frozen=True)
class Actor:
    """An account."""

    name: str
    """Its name."""
    role: Role
    """Its role."""
    rates: bool = True
    """Whether it rates at the start."""

    def viewer(self, account_id: str, *, retired: bool) -> Viewer:
        """The account as the policy takes it."""
        return Viewer(account_id, self.rates and not retired, self.role in SEES_ALL)


ACTORS = (
    Actor("ada", Role.clinician),
    Actor("ben", Role.clinician),
    Actor("cyd", Role.clinician),
    Actor("dan", Role.clinician),
    Actor("jan", Role.researcher),
    Actor("rex", Role.researcher),
    Actor("eve", Role.admin),
    Actor("ivy", Role.researcher, rates=False),
)
"""Four raters, an adjudicator who joins late, a researcher and an administrator who rate too, and a
researcher who does not."""

BY_NAME = {actor.name: actor for actor in ACTORS}
NAMES = tuple(BY_NAME)
RATERS = tuple(actor.name for actor in ACTORS if actor.rates)
FIRST_RATERS = ("ada", "ben", "cyd", "dan", "rex", "eve")
"""Those who rate from the start; the adjudicator gets items late."""
ANALYSTS = ("jan", "rex", "eve", "ivy")
"""Those who may see insights and export."""
RETIRING = ("jan", "dan", "rex")
"""Those whose role as a rater may end."""
