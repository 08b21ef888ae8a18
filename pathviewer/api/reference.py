"""The page docs/api.md: the OpenAPI document as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]
_SCHEMAS = "#/components/schemas/"
HEAD = """\
# The API

Made by `python -m pathviewer openapi --markdown > docs/api.md` from the routes and schemas; the
document itself is [openapi.json](openapi.json), an interactive page is at `/api/docs` of a running
server. Scripts: [scripting.md](scripting.md); tokens: [access.md](access.md).
"""


def api_reference(document: Node) -> str:
    """Return the page."""
    parts = [HEAD, document["info"]["description"], ""]
    used: dict[str, None] = {}
    for tag in document["tags"]:
        parts += [f"## {tag['name'].capitalize()}", "", tag["description"], ""]
        parts += ["| route | | body | answer |", "|---|---|---|---|"]
        for path, method, operation in _operations(document, tag["name"]):
            body, answer = _body(operation), _answer(operation)
            used |= dict.fromkeys(_names(operation))
            about = " ".join(operation.get("description", "").split())
            parts.append(
                f"| `{method.upper()} {path}`{_query(operation)} | {about} | {body} | {answer} |"
            )
        parts.append("")
    parts += ["## Shapes", ""]
    for name in _closure(document, used):
        parts += _shape(name, document["components"]["schemas"][name])
    return "\n".join(parts).rstrip() + "\n"


def _operations(document: Node, tag: str) -> Iterator[tuple[str, str, Node]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if tag in operation["tags"]:
                yield path, method, operation


def _query(operation: Node) -> str:
    names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    return f" `?{'&'.join(names)}`" if names else ""


def _body(operation: Node) -> str:
    return _contents(operation.get("requestBody", {}))


def _answer(operation: Node) -> str:
    """Return the status of a success and what comes with it."""
    success = next(status for status in operation["responses"] if status.startswith("2"))
    return f"{success} {_contents(operation['responses'][success])}".strip()


def _contents(message: Node) -> str:
    """Return the shapes of a JSON body, or the media types of another one."""
    return ", ".join(
        _type(media["schema"]) if kind == "application/json" and media.get("schema") else kind
        for kind, media in message.get("content", {}).items()
    )


def _names(node: Any) -> Iterator[str]:
    """Yield the names of all schemas that a node refers to."""
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].removeprefix(_SCHEMAS)
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)


def _closure(document: Node, names: Mapping[str, None]) -> list[str]:
    """Return the names with all that their schemas refer to, in order of first use."""
    found, waiting = dict(names), list(names)
    while waiting:
        for name in _names(document["components"]["schemas"][waiting.pop(0)]):
            if name not in found:
                found[name] = None
                waiting.append(name)
    return list(found)


def _shape(name: str, schema: Node) -> list[str]:
    about = " ".join(schema.get("description", "").split())
    lines = [f"### {name}", "", about, ""]
    if "properties" not in schema:
        return [*lines, _type(schema), ""]
    lines += ["| field | | |", "|---|---|---|"]
    required = schema.get("required", ())
    for field, node in schema["properties"].items():
        mark = "" if field in required else "?"
        meaning = " ".join(node.get("description", "").split())
        lines.append(f"| `{field}{mark}` | {_type(node)} | {meaning} |")
    return [*lines, ""]


def _type(node: Node) -> str:
    """Return a schema in a few words, such as `whole number, 1 to 8`."""
    if "$ref" in node:
        name = node["$ref"].removeprefix(_SCHEMAS)
        return f"[{name}](#{name.lower()})"
    choices = node.get("anyOf") or node.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(_type(each) for each in choices))
    values = node.get("enum") or ([node["const"]] if "const" in node else [])
    return ", ".join(f"`{value}`" for value in values) or _plain_type(node)


def _plain_type(node: Node) -> str:
    match node.get("type"):
        case "integer":
            return f"whole number{_bounds(node)}"
        case "number":
            return f"number{_bounds(node)}"
        case "boolean":
            return "true or false"
        case "array":
            items = node.get("items") or {}
            return f"list of {_type(items)}" if items else "list"
        case "string" if node.get("format") == "date-time":
            return "time"
        case "string":
            most = node.get("maxLength")
            return f"text, at most {most:,} characters" if most else "text"
        case kind:
            return str(kind or "any")


def _bounds(node: Node) -> str:
    least, most = (
        None if name not in node else f"{node[name]:,}".removesuffix(".0")
        for name in ("minimum", "maximum")
    )
    if least is not None and most is not None:
        return f", {least} to {most}"
    return "" if least is None else f", from {least}"
