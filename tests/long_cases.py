"""Cases of a parametrised test that run only with `--long`; the others stand for them."""

from __future__ import annotations

from typing import Any

import pytest


def long_cases(*cases: Any) -> list[Any]:
    """The cases as `parametrize` takes them, marked `long`; a tuple holds several arguments."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long)
        for case in cases
    ]
