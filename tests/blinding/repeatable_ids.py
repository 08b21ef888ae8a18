"""Ids of the database that are the same in every run, so that failures shrink."""

from __future__ import annotations

import random
import uuid


class RepeatableIds:
    """In place of random ids and sides."""

    def __init__(self) -> None:
        self._random = random.Random(0)

    def restart(self) -> None:
        """Start over with the first id."""
        self._random.seed(1)

    def uuid(self) -> uuid.UUID:
        """In place of `uuid4`."""
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def randbelow(self, bound: int) -> int:
        """In place of `secrets.randbelow`."""
        return self._random.randrange(bound)
