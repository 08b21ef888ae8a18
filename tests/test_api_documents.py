"""The committed documents of the API say what the routes and schemas say."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pathviewer.api.error_status import STATUS
from pathviewer.api.json_route import JsonRoute
from pathviewer.api.reference import api_reference
from pathviewer.api.routes.documentation import DocumentationRoutes
from pathviewer.auth.identity import LOCAL
from pathviewer.commands.openapi import build_document, document_text
from pathviewer.common.errors import UserError
from pathviewer.server.default_routes import default_routes
from pathviewer.settings import Settings
from storage.errors import StorageError

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = build_document()
UNIONS = {"QuestionEvent", "FeedbackRequest"}
"""Shapes of the page's types that the document has within an operation."""


def test_openapi_document_is_committed() -> None:
    """`python -m pathviewer openapi > docs/openapi.json` writes it."""
    assert (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8") == document_text(DOCUMENT)


def test_reference_is_committed() -> None:
    """`python -m pathviewer openapi --markdown > docs/api.md` writes it."""
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == api_reference(DOCUMENT)


def test_types_of_the_page_are_committed(tmp_path: Path) -> None:
    """`npm run types` writes them."""
    committed = ROOT / "pathviewer" / "ui" / "api_types.d.ts"
    node = ROOT / ".venv" / "bin" / "node"
    assert (ROOT / "node_modules").exists(), "run `python3 tests/run.py`, which installs them"
    for name in ("tools", "docs"):
        (tmp_path / name).mkdir()
    (tmp_path / "pathviewer" / "ui").mkdir(parents=True)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    shutil.copyfile(ROOT / "package.json", tmp_path / "package.json")
    script = shutil.copyfile(ROOT / "tools" / "write_api_types.js", tmp_path / "tools" / "types.js")
    shutil.copyfile(ROOT / "docs" / "openapi.json", tmp_path / "docs" / "openapi.json")
    subprocess.run([node, script], check=True, cwd=tmp_path)
    written = tmp_path / "pathviewer" / "ui" / "api_types.d.ts"
    assert written.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")


def test_types_name_every_operation_and_no_shape_twice() -> None:
    types = (ROOT / "pathviewer" / "ui" / "api_types.d.ts").read_text(encoding="utf-8")
    for path, operations in DOCUMENT["paths"].items():
        for method in operations:
            assert f'"{method.upper()} {path}": {{' in types
    shapes = set(re.findall(r"^export (?:interface|type) (\w+)", types, re.MULTILINE))
    assert shapes == {*DOCUMENT["components"]["schemas"], *UNIONS, "Operations"}
    assert "[unknown" not in types  # a pair is an array of numbers


def test_every_operation_has_a_summary_a_section_and_a_shape() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            assert len(operation["tags"]) == 1, (method, path)
            success = next(s for s in operation["responses"] if s.startswith("2"))
            contents = operation["responses"][success].get("content", {})
            for kind, media in contents.items():
                if kind == "application/json":
                    assert media["schema"], (method, path)


def test_every_reference_leads_somewhere() -> None:
    names = set(DOCUMENT["components"]["schemas"])
    text = json.dumps(DOCUMENT)
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= names
    assert names <= used | {"ErrorDetail"}


def open_ended(node: Any, at: str) -> Iterator[str]:
    """Places of a request's schema that take a text or list of any length."""
    if isinstance(node, dict):
        if node.get("type") == "string" and not {"enum", "const", "maxLength"} & node.keys():
            yield at
        if node.get("type") == "array" and not {"maxItems"} & node.keys():
            yield at
        for name, value in node.items():
            yield from open_ended(value, f"{at}.{name}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from open_ended(value, f"{at}[{index}]")


def test_every_text_and_list_of_a_request_has_a_bound() -> None:
    found = []
    for route in default_routes():
        if isinstance(route, JsonRoute):
            if route.body_field is not None:
                found += list(open_ended(route.body_schema, route.path))
            found += list(open_ended(route.parameter_schema, f"{route.path}?"))
            in_path = {f"{route.path}?.properties.{name}" for name in route.param_convertors}
            found = [place for place in found if place not in in_path]
    assert [place for place in found if ".points" not in place] == []


def user_errors(kind: type[UserError] = UserError) -> Iterator[type[UserError]]:
    """Every error that users may see."""
    yield kind
    for each in kind.__subclasses__():
        yield from user_errors(each)


def test_every_error_code_has_a_status() -> None:
    codes = {kind.code for kind in user_errors()}
    storage: list[type[StorageError]] = [StorageError, *StorageError.__subclasses__()]
    codes |= {kind.code for kind in storage}
    assert len(codes) > 30
    assert codes <= set(STATUS)


def test_every_status_of_success_is_documented() -> None:
    """Of the routes that have two: what is stored already, and an upload that is complete."""
    for method, path, statuses in (
        ("post", "/api/feedback", {"200", "201"}),
        ("patch", "/api/uploads/{upload_id}", {"200", "201"}),
    ):
        responses = DOCUMENT["paths"][path][method]["responses"]
        assert {status for status in responses if status.startswith("2")} == statuses


@pytest.mark.parametrize(("root_path", "servers"), [("", None), ("/slides", [{"url": "/slides"}])])
def test_the_document_names_the_sub_path(root_path: str, servers: list[dict[str, str]]) -> None:
    routes = DocumentationRoutes(Settings(root_path=root_path), default_routes())
    assert asyncio.run(routes.document(LOCAL)).get("servers") == servers
