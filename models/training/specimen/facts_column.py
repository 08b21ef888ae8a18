"""Facts of a picture as a data set's column, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from models.errors import ModelError
from models.training.specimen.grammar import CLAIM_VALUES, Facts


def read_facts(value: str | Mapping[str, Any] | None) -> Facts | None:
    """Parse facts from a column: JSON or an object of lists by claim; None if there are none.

    Ignores claims that a column store filled with null. Raises ModelError, naming the claim, for
    anything else.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError as error:
            message = f"The facts {value!r:.60} are not JSON."
            raise ModelError(message) from error
    if not value:
        return None
    if not isinstance(value, Mapping):
        message = f"The facts {str(value)[:60]!r} are not an object of values by claim."
        raise ModelError(message)
    claims: dict[str, tuple[str, ...]] = {}
    for claim, held in value.items():
        values = (held,) if isinstance(held, str) else tuple(held or ())
        if values and not set(values) <= set(CLAIM_VALUES.get(claim, ())):
            message = (
                f"The facts say {claim}: {', '.join(map(str, values))}; no such claim or value."
            )
            raise ModelError(message)
        if values:
            claims[claim] = values
    return Facts(claims) if claims else None


def facts_column(facts: Facts) -> str:
    """Serialise facts for a column, as `read_facts` reads them."""
    return json.dumps({claim: list(values) for claim, values in facts.claims.items() if values})
