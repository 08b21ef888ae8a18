"""When attention rows are told while an answer is written."""

import time

from models.engines.local.generation import ROW_BLOCK, ROW_SECONDS, RowClock


def test_rows_are_due_by_their_number_or_by_time() -> None:
    clock = RowClock()
    assert not clock.is_due(1)
    assert clock.is_due(ROW_BLOCK)
    assert not clock.is_due(ROW_BLOCK - 1)
    time.sleep(ROW_SECONDS)
    assert not clock.is_due(0)
    assert clock.is_due(1)
    assert not clock.is_due(1)
