"""Locks by name: strangers do not wait for each other, and no lock outlives its use."""

from __future__ import annotations

import gc

from pathviewer.common.keyed_locks import KeyedLocks


def test_names_have_locks_of_their_own_while_they_are_held() -> None:
    locks = KeyedLocks()
    with locks.get_lock("ada"):
        assert not locks.get_lock("ada").acquire(blocking=False)
        with locks.get_lock("bob"):
            assert not locks.get_lock("bob").acquire(blocking=False)
    with locks.get_lock("ada"):
        pass
    gc.collect()
    assert len(locks) == 0
