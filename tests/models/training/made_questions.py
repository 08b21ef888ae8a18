"""A data set as others have them: pictures with a `metadata.jsonl` beside them."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

TRACES = tuple(
    f"<think>The tissue is {colour}.</think><answer>{letter}</answer>"
    for colour in ("pale", "dark")
    for letter in "AB"
)
"""What a network that learnt them says by halves: the right answer A, or B."""


def made_questions(folder: Path, *, pictures: int = 4) -> Path:
    """Four questions about each picture, which differ in the trace alone."""
    (folder / "train").mkdir(parents=True)
    lines = []
    for number in range(pictures):
        name = f"{number}.png"
        Image.new("LA", (56, 56), (60 * number, 255)).save(folder / "train" / name)
        for trace in TRACES:
            line = {"file_name": name, "question": "What is it?", "options": ["tumour", "none"]}
            lines.append(json.dumps(line | {"answer": "A", "completion": trace}))
    (folder / "train" / "metadata.jsonl").write_text("\n".join(lines))
    return folder
