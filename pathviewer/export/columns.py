"""The columns of exports: types for Parquet and `datasets`, and descriptions.

`datasets` reads its types from the file's own metadata. They are written out here, so the program
itself needs only pyarrow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_TEXT, _PART = pa.string(), pa.struct([("type", pa.string()), ("text", pa.string())])
_MESSAGE = pa.struct([("role", _TEXT), ("content", pa.list_(_PART))])
_PICTURE = pa.struct([("bytes", pa.binary()), ("path", _TEXT)])
_TYPES: dict[str, tuple[pa.DataType, Any]] = {
    "text": (_TEXT, {"dtype": "string", "_type": "Value"}),
    "flag": (pa.bool_(), {"dtype": "bool", "_type": "Value"}),
    "whole": (pa.int64(), {"dtype": "int64", "_type": "Value"}),
    "number": (pa.float64(), {"dtype": "float64", "_type": "Value"}),
}


def _list_of(kind: tuple[pa.DataType, Any]) -> tuple[pa.DataType, Any]:
    return pa.list_(kind[0]), {"feature": kind[1], "_type": "List"}


_TEXT_FEATURE = _TYPES["text"][1]
_TYPES["texts"] = _list_of(_TYPES["text"])
_TYPES["flags"] = _list_of(_TYPES["flag"])
_TYPES["lists of texts"] = _list_of(_TYPES["texts"])
_TYPES["box"] = _list_of(_TYPES["whole"])
_TYPES["boxes"] = _list_of(_list_of(_TYPES["whole"]))
_TYPES["pixel boxes"] = _list_of(_list_of(_TYPES["number"]))
_TYPES["pictures"] = _list_of((_PICTURE, {"_type": "Image"}))
_PARTS = _list_of((_PART, {"type": _TEXT_FEATURE, "text": _TEXT_FEATURE}))
_TYPES["messages"] = _list_of((_MESSAGE, {"role": _TEXT_FEATURE, "content": _PARTS[1]}))


@dataclass(frozen=True)
class Column:
    """One column of an export."""

    name: str
    """Name, as trainers expect it."""
    kind: str
    """Type in the documents' terms: `text`, `flag`, `messages` and so on."""
    description: str
    """Description."""


COMMON_COLUMNS = (
    Column("prompt", "messages", "the literal prompt; the picture first"),
    Column("images", "pictures", "the exact pixels of the model's input, one PNG"),
    Column("item_id", "text", "the question's id; its rows share it"),
    Column("question", "text", "the question without options or instructions"),
    Column("options", "texts", "answers offered, without letters; empty for a free answer"),
    Column("question_type", "text", "task of the question; null if it is not a known one"),
    Column("group_id", "text", "pseudonym of the case, or of the slide where no case is known"),
    Column("slide", "text", "pseudonym of the slide"),
    Column("x", "whole", "left edge of the region, level-0 pixels"),
    Column("y", "whole", "upper edge of the region, level-0 pixels"),
    Column("width", "whole", "width of the region, level-0 pixels"),
    Column("height", "whole", "height of the region, level-0 pixels"),
    Column("mpp", "number", "microns per pixel of the picture; null if unknown"),
    Column(
        "mpp_source",
        "text",
        "`file` if the slide's file states its scale, `entered` if a person corrected it; null if "
        "unknown or not stored",
    ),
    Column("slide_mpp_x", "number", "width of a level-0 pixel, microns; null as `mpp_source` is"),
    Column("slide_mpp_y", "number", "height of a level-0 pixel, microns; null as `mpp_source` is"),
    Column(
        "colour_profile",
        "text",
        "name of the slide's colour profile; null if none applies or it was not stored",
    ),
    Column(
        "colours_corrected",
        "flag",
        "whether the picture is corrected to sRGB by that profile; null as `colour_profile` is",
    ),
    Column(
        "pixel_note",
        "text",
        "how the slide's pixels differ from 8-bit colour, such as `8-bit grey`; null if they do "
        "not or it was not stored",
    ),
    Column("model", "text", "the model that answered; for a pair, that of the question `item_id`"),
    Column("model_revision", "text", "revision of the weights: the hub's commit or a fingerprint"),
    Column(
        "train_allowed",
        "flag",
        "false if the licence of a model whose answer was judged here forbids training on it; "
        "null if unknown",
    ),
    Column("raters", "texts", "pseudonyms of the raters behind the row"),
    Column("voters", "whole", "raters that judged the item, including those who disagree"),
)
"""Columns of every format, after the format's own."""

COMMENTS_COLUMN = Column("comments", "texts", "free text of those raters; only with --comments")


def schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Parquet schema, with metadata for the types in `datasets`."""
    features = {column.name: _TYPES[column.kind][1] for column in columns}
    metadata = json.dumps({"info": {"features": features}})
    fields = [pa.field(column.name, _TYPES[column.kind][0]) for column in columns]
    return pa.schema(fields, metadata={"huggingface": metadata})


def user_message(prompt: str, system: str | None) -> list[dict[str, Any]]:
    """Return the prompt as chat messages, the picture before the text."""
    parts = [{"type": "image", "text": None}, {"type": "text", "text": prompt}]
    messages = [{"role": "user", "content": parts}]
    if system is None:
        return messages
    return [{"role": "system", "content": [{"type": "text", "text": system}]}, *messages]


def answer_message(text: str) -> list[dict[str, Any]]:
    """Return a completion as a chat message."""
    return [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
