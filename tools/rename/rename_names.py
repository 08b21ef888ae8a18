"""Rename identifiers by tables: `python tools/rename/rename_names.py TABLE ...`.

A table has one rename a line: `FILE OLD NEW`, `FILE CLASS.OLD NEW`, `FILE FUNCTION.OLD NEW` for a
local variable, or `FILE FUNCTION(OLD NEW` for a parameter. basedpyright finds every use, keyword
arguments and attributes among them, as its language server does for an editor; it must be
installed (`pip install basedpyright`).
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(sys.executable).with_name("basedpyright-langserver")


class LanguageServer:
    """basedpyright over its pipes, one request at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("basedpyright has no pipes")
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._next = 0
        self._open: set[Path] = set()
        uri = ROOT.as_uri()
        self.request(
            "initialize",
            processId=None,
            rootUri=uri,
            workspaceFolders=[{"uri": uri, "name": "root"}],
            capabilities={
                "workspace": {"workspaceEdit": {"documentChanges": True}, "configuration": True},
                "textDocument": {"rename": {"prepareSupport": True}},
            },
        )
        self.notify("initialized")

    def request(self, method: str, **params: Any) -> Any:
        """The result of a request; raises RuntimeError with the server's message."""
        self._next += 1
        self._send({"id": self._next, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:
                self._answer(message)
            elif message.get("id") == self._next and "method" not in message:
                if "error" in message:
                    raise RuntimeError(message["error"]["message"])
                return message.get("result")

    def notify(self, method: str, **params: Any) -> None:
        """Send what needs no answer."""
        self._send({"method": method, "params": params})

    def uses(self, path: Path, line: int, column: int, new: str) -> list[Edit]:
        """Where a name is used that stands at a line and a column, its definition included."""
        if path not in self._open:
            self._open.add(path)
            document = {"uri": path.as_uri(), "version": 1, "languageId": "python"}
            self.notify("textDocument/didOpen", textDocument=document | {"text": path.read_text()})
        edit = self.request(
            "textDocument/rename",
            textDocument={"uri": path.as_uri()},
            position={"line": line, "character": column},
            newName=new,
        )
        return places(edit or {})

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()

    def _answer(self, message: dict[str, Any]) -> None:
        result: Any = None
        if message["method"] == "workspace/configuration":
            settings = {"analysis": {"diagnosticMode": "openFilesOnly", "typeCheckingMode": "off"}}
            python = {"pythonPath": sys.executable}
            items = message["params"]["items"]
            result = [python if item.get("section") == "python" else settings for item in items]
        self._send({"id": message["id"], "result": result})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._stdin.flush()

    def _receive(self) -> dict[str, Any]:
        length = 0
        while line := self._stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self._stdout.read(length))


def find(path: Path, name: str) -> tuple[int, int]:
    """Line and UTF-16 column (from 0) where a name is defined. Raises LookupError."""
    text = path.read_text()
    owner, _, parameter = name.partition("(")
    scope: ast.AST = ast.parse(text)
    parts = owner.split(".")
    for part in parts[:-1] if not parameter else parts:
        scope = next(
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == part
        )
    wanted = parameter or parts[-1]
    for node in ast.walk(scope):
        if parameter and isinstance(node, ast.arg) and node.arg == wanted:
            return position(text, node.lineno, node.col_offset)
        if parameter:
            continue
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == wanted:
                line = text.splitlines()[node.lineno - 1]
                return node.lineno - 1, line.index(wanted, node.col_offset + 4)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == wanted:
            return position(text, node.lineno, node.col_offset)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and node.attr == wanted
        ):
            line = text.splitlines()[node.lineno - 1]
            return node.lineno - 1, line.index(f".{wanted}", node.col_offset) + 1
    raise LookupError(f"{path}: no {name}")


def position(text: str, line: int, byte: int) -> tuple[int, int]:
    """From Python's line and byte offset to the protocol's line and column."""
    content = text.splitlines()[line - 1].encode()[:byte].decode()
    return line - 1, len(content.encode("utf-16-le")) // 2


Edit = tuple[Path, int, int, int]
"""A file, a line, and the first and last column, in UTF-16 units from 0."""


def places(edit: dict[str, Any]) -> list[Edit]:
    """Where an edit of the workspace replaces a name."""
    changes: dict[str, list[dict[str, Any]]] = dict(edit.get("changes") or {})
    for document in edit.get("documentChanges") or []:
        changes.setdefault(document["textDocument"]["uri"], []).extend(document["edits"])
    return [
        (
            Path(unquote(urlparse(uri).path)),
            each["range"]["start"]["line"],
            each["range"]["start"]["character"],
            each["range"]["end"]["character"],
        )
        for uri, edits in changes.items()
        for each in edits
    ]


def write(edits: dict[Edit, str]) -> None:
    """Make all edits, the last of each line first."""
    by_path: dict[Path, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit[0], []).append(edit)
    for path, mine in by_path.items():
        lines = path.read_text().split("\n")
        for edit in sorted(mine, key=lambda each: each[1:], reverse=True):
            _, line, start, end = edit
            raw = lines[line].encode("utf-16-le")
            new = edits[edit].encode("utf-16-le")
            lines[line] = (raw[: 2 * start] + new + raw[2 * end :]).decode("utf-16-le")
        path.write_text("\n".join(lines))


def main(tables: list[Path]) -> int:
    """Rename all names of the tables; a line that fails is printed, and the others go on.

    Every name is looked up in the files as they are before any is written.
    """
    server = LanguageServer()
    edits: dict[Edit, str] = {}
    failures = 0
    rows = [row for table in tables for row in table.read_text().splitlines()]
    for row in rows:
        if not row.strip() or row.startswith("#"):
            continue
        file, old, new = row.split()[:3]
        path = ROOT / file
        try:
            found = server.uses(path, *find(path, old), new)
        except (LookupError, RuntimeError, StopIteration, OSError, ValueError) as error:
            sys.stderr.write(f"{row}: {error!r}\n")
            failures += 1
            continue
        if not found:
            sys.stderr.write(f"{row}: no use\n")
        for edit in found:
            if edits.setdefault(edit, new) != new:
                sys.stderr.write(f"{row}: {edits[edit]} was asked for before, at {edit}\n")
        sys.stdout.write(f"{row}: {len(found)} places\n")
        sys.stdout.flush()
    server.stop()
    write(edits)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
