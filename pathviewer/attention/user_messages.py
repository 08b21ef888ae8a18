"""What the attention package says to people."""

from __future__ import annotations

# archive.py
ATTENTION_DAMAGED = "The attention of this answer is damaged; ask again."

# map_json.py
ANSWER_EMPTY = "This answer is empty, so it has no attention maps."

# overlay.py


def localisation_caption(is_localised: bool, image_share: float) -> str:
    state = "localised" if is_localised else "diffuse: not localised"
    return f"{state}; {image_share:.0%} of the attention fell on the region"


def map_caption(is_relative: bool, columns: int, rows: int) -> str:
    kind = "relative to a neutral question" if is_relative else "raw attention"
    return f"{kind}; {columns} x {rows} cells; 1 = even; where a model looks is not why it answers"
