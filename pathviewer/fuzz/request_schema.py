"""The OpenAPI document that random requests are generated from: ours, with Gradio's routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

Document = dict[str, Any]
Values = Mapping[str, Sequence[Any]]
"""Field or parameter -> values that pass the first look-up."""

CONSTANTS: Values = {
    **dict.fromkeys(("since", "until"), ("", "2026-01-31", "9999-12-31", "0001-01-01")),
    **dict.fromkeys(("width", "height"), (448,)),
    **dict.fromkeys(("x", "y"), (100,)),
    **dict.fromkeys(("after", "column", "first", "index", "level", "row", "step"), (0,)),
    **dict.fromkeys(("account", "identity"), (None,)),
    "answer": ["a"],
    "bounds_offset": [0, 1],
    "box": [{"x": 100, "y": 100, "width": 448, "height": 448}],
    "choice": ["left", "tie"],
    "context": [None, {"organ": "lung"}],
    "findings": [None, []],
    "format": ["sft", "preference"],
    "kind": ["verdict", "labels"],
    "known_length": [None, {"from": [0, 0], "to": [400, 300], "um": 250}],
    "limit": [5],
    "max_pixels": [None, 12_544],
    "mpp": [0.5],
    "name": ["a.svs", "region"],
    "options": [None, ["a", "b"]],
    "passage": ["all", "answer", "step 1"],
    "points": [[[100, 100], [500, 100], [500, 500]]],
    "question": ["What is it?"],
    "reasons": [None, []],
    "rule": ["each", "majority", "2"],
    "said": [{"verdict": "correct"}, {"steps": [], "absences": []}],
    "sampling": [None, {"temperature": 0.5, "seed": 1, "max_new_tokens": 8}],
    "select": [None, {"since": "2026-01-31"}],
    "side": ["left", "right"],
    "size": [256],
    "splits": ["0.8,0.1,0.1", "1"],
    "stop": [1],
    "task": [None, "cellularity"],
    "upload-offset": ["0"],
    "zone": ["", "UTC", "Europe/Berlin"],
}
"""Values besides the ids of records."""

GRADIO_PAGES = (
    *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/assets/{file}"),
    *("/static/{file}", "/gradio_api/info", "/gradio_api/startup-events", "/gradio_api/queue/data"),
    *("/gradio_api/queue/status", "/gradio_api/heartbeat/{session_hash}"),
    *("/gradio_api/call/slides/{event_id}", "/gradio_api/file={path}"),
)
"""Gradio's routes without a body; the last one is closed."""

GRADIO_CALLS = ("cancel", "reset", "queue/join", "run/predict", "call/{name}", "upload")
"""Gradio's routes with a body below `/gradio_api/`; the last one is closed."""

CALL = {
    "type": "object",
    "properties": {
        "data": {"type": "array"},
        "fn_index": {"type": "integer", "minimum": -1, "maximum": 60},
        "session_hash": {"type": "string"},
        "event_id": {"type": "string"},
        "event_data": {},
        "trigger_id": {"type": "integer"},
        "batched": {"type": "boolean"},
        "simple_format": {"type": "boolean"},
    },
    "required": ["data"],
}
"""Body of a call to one of Gradio's functions by its number."""


def extend_document(
    document: Document, pages: Iterable[tuple[str, str]], info: Document
) -> Document:
    """Return our API's document with other routes, whose responses it does not describe.

    `pages` are methods and paths, `info` is Gradio's description of its named endpoints.
    """
    extended = deepcopy(document)
    paths = extended["paths"]
    for method, path in (*pages, *(("get", page) for page in GRADIO_PAGES)):
        add_operation(paths, method, path, {"type": "object"} if method == "post" else None)
    for call in GRADIO_CALLS:
        add_operation(paths, "post", f"/gradio_api/{call}", CALL)
    for name, endpoint in info["named_endpoints"].items():
        fields = {each["parameter_name"]: each["type"] for each in endpoint["parameters"]}
        number, in_order = len(fields), [*fields.values(), {}]  # not empty, as the standard demands
        data = {"type": "array", "minItems": number, "maxItems": number, "prefixItems": in_order}
        by_place = CALL | {"properties": {"data": data}}
        by_name = {"type": "object", "properties": fields, "required": [*fields]}
        add_operation(paths, "post", f"/gradio_api/call{name}", by_place)
        add_operation(paths, "post", f"/gradio_api/call/v2{name}", by_name)
    drop_patterns(extended)
    return extended


def add_operation(paths: Document, method: str, path: str, body: Document | None) -> None:
    """Add a route whose variable parts are texts."""
    names = re.findall(r"{(\w+)}", path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    operation: Document = {"parameters": parameters, "responses": {}}
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    paths.setdefault(path, {})[method] = operation


def drop_patterns(node: Any) -> None:
    """Remove the regular expressions that Python does not know."""
    if isinstance(node, dict) and r"\p{" in str(node.get("pattern", "")):
        del node["pattern"]
    if isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            drop_patterns(each)


def with_values(node: Any, values: Values) -> Any:
    """Return a document whose parameters and fields have the values of their names, and no other.

    Fields with a list of allowed values keep it.
    """
    if isinstance(node, list):
        return [with_values(each, values) for each in node]
    if not isinstance(node, dict):
        return node
    changed = {name: with_values(each, values) for name, each in node.items()}
    if "in" in node and "schema" in node:
        changed["schema"] = likely(node["name"], changed["schema"], values)
    if isinstance(fields := changed.get("properties"), dict):
        changed["properties"] = {name: likely(name, fields[name], values) for name in fields}
    return changed


def likely(name: str, schema: Document, values: Values) -> Document:
    """Return the schema, or one of the values of this name."""
    listed = name not in values or "const" in schema or "enum" in schema
    return schema if listed else {"enum": [*values[name]]}
