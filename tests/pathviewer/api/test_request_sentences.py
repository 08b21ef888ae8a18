"""Every value that a schema refuses is named in a sentence, with the way out and without a path."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pathviewer.api.json_route import JsonRoute
from pathviewer.commands.openapi import build_document
from pathviewer.common.validation import describe_error, quote
from pathviewer.server.default_routes import default_routes
from pathviewer.slides.errors import RegionError

Place = tuple[str | int, ...]
WRONG: tuple[Any, ...] = (None, True, "x", "", -1, 0.5, 10**15, [], {}, [7], {"a": 1}, "y" * 5_000)
"""Values of every JSON type, and some out of every range."""
EXAMPLES: dict[str, Any] = {
    "box": {"x": 0, "y": 0, "width": 9, "height": 9},
    "points": [[0, 0], [9, 0], [0, 9]],
    "context": {"organ": "lung"},
    "sampling": {"temperature": 0.5, "seed": 1, "max_new_tokens": 9},
    "steps": [{"step": 0, "events": ["contradiction"], "quote": "x", "start": 0, "stop": 1}],
    "edited_steps": [{"step": 0, "text": "x"}],
    "identity": {
        "alias": "a",
        "name": "a",
        "case": None,
        "stain": None,
        "scale": "unknown",
        "label": "none",
    },
    "known_length": {"from": [0, 0], "to": [9, 9], "um": 5},
}


@cache
def bodies() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Type and JSON schema of every request body, by method and path."""
    found = {}
    for route in default_routes():
        if isinstance(route, JsonRoute) and route.body_field is not None:
            name = f"{min(route.methods or ())} {route.path}"
            found[name] = (route.body_type, route.body_schema)
    return found


def test_every_body_is_a_schema() -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, operations in build_document()["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert documented
    plain = {name.replace(":int}", "}") for name in bodies()}
    assert documented <= plain


def example(schema: dict[str, Any], root: dict[str, Any], name: str = "") -> Any:
    """A value that the schema takes."""
    if name in EXAMPLES:
        return copy.deepcopy(EXAMPLES[name])
    if "$ref" in schema:
        return example(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    for choices in (schema.get("oneOf"), schema.get("anyOf")):
        if choices:
            return example(choices[0], root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {key: example(inner, root, key) for key, inner in properties.items()}
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return "x"


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every place of a document, itself included."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*at, index))


def replaced(document: Any, at: Place, value: Any) -> Any:
    """The document with another value at a place."""
    if not at:
        return value
    changed = copy.copy(document)
    changed[at[0]] = replaced(document[at[0]], at[1:], value)
    return changed


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_refused_value_is_named_with_the_way_out(data: st.DataObject) -> None:
    kind, schema = bodies()[data.draw(st.sampled_from(sorted(bodies())))]
    document = example(schema, schema)
    at = data.draw(st.sampled_from(list(places(document))))
    wrong = data.draw(st.sampled_from(WRONG))
    document = replaced(document, at, wrong)
    try:
        TypeAdapter(kind).validate_python(document)
    except RegionError:
        return  # points have sentences of their own
    except ValidationError as error:
        (detail, *_) = error.errors()
        check_sentence(describe_error(detail, schema), detail, at, wrong)


def check_sentence(sentence: str, detail: Any, at: Place, wrong: Any) -> None:
    """The sentence names field, value and way out."""
    way_out = r"must be |has no field .*it has |remove |request must|[Ss]end "
    assert re.search(way_out, sentence), sentence
    assert sentence.endswith((".", "}.")), sentence
    assert "/" not in sentence.replace(quote(wrong), ""), sentence
    assert len(sentence) < 600, sentence
    names = [part for part in at if isinstance(part, str)]
    if names and detail["loc"]:  # else a rule about several fields, or no object at all
        assert any(name in sentence for name in names), (sentence, names)
    if names and not detail["type"].startswith(("missing", "extra", "sentence", "union")):
        assert quote(detail["input"]) in sentence, (sentence, detail["input"])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"count": 9}, "count must be a whole number from 1 to 8, not 9."),
        ({"box": {"x": 0}}, "box.y is missing: it must be a whole number from 0 to"),
        ({"box": 5}, "box must be an object with x, y, width, height, not 5."),
        ({"options": "a"}, 'options must be a list of at most 100 values, as in [...], not "a".'),
        ({"choices": []}, 'The request has no field "choices"; it has blind, box, colours,'),
        ({"colours": "grey"}, 'colours must be one of corrected, raw, not "grey".'),
        ({"blind": "yes"}, 'blind must be true or false, not "yes".'),
        ({"sampling": {"temperature": 7}}, "sampling.temperature must be a number from 0 to 2"),
        ({"context": {"organ": 7}}, "context.organ must be a text, not 7."),
        ([], "The request must be a JSON object, as in {...}."),
    ],
)
def test_sentences_of_a_question(body: Any, sentence: str) -> None:
    kind, schema = bodies()["POST /api/readings"]
    whole = {"slide": "s", "box": EXAMPLES["box"], "question": "q"}
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(whole | body if isinstance(body, dict) else body)
    assert describe_error(refused.value.errors()[0], schema).startswith(sentence)


@pytest.mark.parametrize(
    ("route", "field"), [("POST /api/readings", "options"), ("POST /api/feedback", "absences")]
)
def test_a_long_list_is_refused_without_a_look_at_each_entry(route: str, field: str) -> None:
    kind, schema = bodies()[route]
    body = {"slide": "s", "box": EXAMPLES["box"], "question": "q", field: [7] * 10_000}
    if field == "absences":
        body = {"kind": "labels", "key": "k", "completion": "c", "steps": [], field: [7] * 10_000}
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(body)
    assert refused.value.error_count() == 1
    assert field in describe_error(refused.value.errors()[0], schema)
