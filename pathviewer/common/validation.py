"""Sentences for values that a schema refuses: the field, what it must be, and the value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from pathviewer.common import user_messages
from pathviewer.common.errors import UserError
from pathviewer.common.schema import LONGEST_TEXT

LONGEST_VALUE = 40
"""Characters of a refused value that a sentence quotes."""

JsonSchema = Mapping[str, Any]
T = TypeVar("T")


class InvalidRequest(UserError):  # noqa: N818  as the other refusals
    """A value of the request is missing or refused; the message names it."""

    code = "invalid_request"


def read_value(schema: type[T], /, **values: object) -> T:
    """Return a schema with these values, without those that are None. Raises InvalidRequest."""
    adapter: TypeAdapter[T] = TypeAdapter(schema)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise InvalidRequest(describe_error(error.errors()[0], adapter.json_schema())) from None


def describe_error(error: Mapping[str, Any], schema: JsonSchema) -> str:
    """Return the sentence for one of pydantic's error details.

    `schema` is the JSON schema of the validated model, with its `$defs`.
    """
    path, kind = tuple(error["loc"]), error["type"]
    if kind == "sentence":
        return str(error["ctx"]["sentence"])
    if kind == "extra_forbidden":
        owner, (names, node) = path[:-1], locate(schema, path[:-1])
        fields = ", ".join(sorted(node.get("properties", {})))
        subject = field_name(names) if owner and names else "The request"
        return f"{subject} has no field {quote(path[-1])}; it has {fields}."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _describe_tag(error, schema, path)
    names, node = locate(schema, path)
    if not names:
        return user_messages.NO_JSON_OBJECT
    wanted = describe_type(node, schema)
    if kind == "string_too_long" and wanted == "a text":
        wanted = f"a text of at most {error['ctx']['max_length']:,} characters"
    if kind == "missing":
        return f"{field_name(names)} is missing: it must be {wanted}."
    return f"{field_name(names)} must be {wanted}, not {quote(error['input'])}."


def _describe_tag(error: Mapping[str, Any], schema: JsonSchema, path: Sequence[Any]) -> str:
    """Return the sentence for a union whose tag, such as `kind`, is wrong or missing."""
    names, node = locate(schema, path)
    tags = _resolve(node, schema)["discriminator"]
    name = field_name((*names, tags["propertyName"]))
    value = error["input"].get(tags["propertyName"]) if isinstance(error["input"], dict) else None
    return f"{name} must be {_one_of(tags['mapping'])}, not {quote(value)}."


def locate(schema: JsonSchema, path: Iterable[Any]) -> tuple[tuple[Any, ...], JsonSchema]:
    """Return the names of the path that are fields or indexes, and the schema at its end.

    pydantic's paths also hold tags of unions and names of validators, which are left out.
    """
    names: tuple[Any, ...] = ()
    node = _resolve(schema, schema)
    for step in path:
        inner = _step(node, step, schema)
        if inner is None:
            continue
        if not (isinstance(step, str) and step in node.get("discriminator", {}).get("mapping", {})):
            names = (*names, step)
        node = _resolve(inner, schema)
    return names, node


def _step(node: JsonSchema, step: Any, schema: JsonSchema) -> JsonSchema | None:
    """Return the schema one step further; None if the step leads nowhere."""
    mapping = node.get("discriminator", {}).get("mapping", {})
    if step in mapping:
        return {"$ref": mapping[step]}
    if isinstance(step, int):
        items = node.get("prefixItems")
        found = items[step] if items and step < len(items) else node.get("items")
    else:
        found = node.get("properties", {}).get(step)
    if found is not None:
        return dict(found)
    for choice in node.get("anyOf", ()):
        inner = _step(_resolve(choice, schema), step, schema)
        if inner is not None:
            return inner
    return None


def _resolve(node: JsonSchema, schema: JsonSchema) -> JsonSchema:
    """Follow references, and leave out the null of an optional field."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        return _resolve(schema["$defs"][name], schema)
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return _resolve(choices[0], schema)
    return node


def describe_type(node: JsonSchema, schema: JsonSchema) -> str:
    """Return what a value must be, as in `a whole number from 1 to 8`."""
    node = _resolve(node, schema)
    if "x-expected" in node:
        return str(node["x-expected"])
    if "enum" in node:
        return _one_of(node["enum"])
    if "const" in node:
        return repr(node["const"])
    if "anyOf" in node or "oneOf" in node:
        choices = node.get("anyOf") or node["oneOf"]
        return " or ".join(dict.fromkeys(describe_type(each, schema) for each in choices))
    match node.get("type"):
        case "integer":
            return f"a whole number{_range(node)}"
        case "number":
            return f"a number{_range(node)}"
        case "string":
            return f"a text{_length(node)}"
        case "boolean":
            return "true or false"
        case "array":
            return _describe_array(node, schema)
        case "object":
            return _describe_object(node)
        case kind:
            return f"a value of another kind ({kind})"


def _range(node: JsonSchema) -> str:
    least, most, above, below = (
        None if name not in node else f"{node[name]:,}".removesuffix(".0")
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    )
    if least is not None and most is not None:
        return f" from {least} to {most}"
    parts = [
        words.format(value)
        for words, value in (
            (" from {}", least),
            (" up to {}", most),
            (" above {}", above),
            (" below {}", below),
        )
        if value is not None
    ]
    return " and".join(parts)


def _length(node: JsonSchema) -> str:
    least, most = node.get("minLength", 0), node.get("maxLength")
    if most in (None, LONGEST_TEXT):
        return ""
    return f" of {least:,} to {most:,} characters" if least else f" of at most {most:,} characters"


def _describe_array(node: JsonSchema, schema: JsonSchema) -> str:
    if "prefixItems" in node:
        parts = [describe_type(each, schema) for each in node["prefixItems"]]
        return f"a list of {len(parts)} values: {', '.join(parts)}"
    least, most = node.get("minItems"), node.get("maxItems")
    if least is not None and most is not None:
        return f"a list of {least:,} to {most:,} values, as in [...]"
    if most is not None:
        return f"a list of at most {most:,} values, as in [...]"
    return "a list, as in [...]"


def _describe_object(node: JsonSchema) -> str:
    names = ", ".join(node.get("properties", {}))
    return f"an object with {names}" if names else "an object, as in {...}"


def _one_of(values: Iterable[Any]) -> str:
    return f"one of {', '.join(str(value) for value in values)}"


def field_name(names: Sequence[Any]) -> str:
    """Return `box.x` or `options[2]` for a path of fields and indexes."""
    text = ""
    for name in names:
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else str(name)
    return text


def quote(value: object) -> str:
    """Return a refused value as JSON, cut to LONGEST_VALUE characters."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair
    if len(text) <= LONGEST_VALUE:
        return text
    end = '"' if text.startswith('"') else ""
    return f"{text[: LONGEST_VALUE - 1 - len(end)]}…{end}"
