"""Checks that the completions in a data set may be used for training."""

from __future__ import annotations

from datasets import Dataset

from models.errors import CheckpointError
from models.registry import list_models

AUTHORS = ("model", "chosen_model", "rejected_model")
"""Columns of an export that name a model whose completion is in the row."""


def check_licences(rows: Dataset) -> None:
    """Raise CheckpointError if a model's completions may not be used for training."""
    plain = rows.with_format(None)
    named = [list(plain[column]) for column in AUTHORS if column in rows.column_names]
    model_names = {name for names in named for name in names}
    closed = {model.name: model.licence for model in list_models() if not model.train_allowed}
    for name in sorted(model_names & closed.keys()):
        message = (
            f"The licence of “{name}” ({closed[name]}) forbids training on its output; leave its "
            "answers out with `export --model`."
        )
        raise CheckpointError(message)
    flags = plain["train_allowed"] if "train_allowed" in rows.column_names else ()
    refused = [number for number, allowed in enumerate(flags) if allowed is False]
    if refused:
        names = sorted({f"“{each[number]}”" for each in named for number in refused})
        message = (
            f"{len(refused)} rows with answers of {', '.join(names)} may not be trained on, by the "
            "licence of one that wrote them (train_allowed is false); leave it out with "
            "`export --model`."
        )
        raise CheckpointError(message)
