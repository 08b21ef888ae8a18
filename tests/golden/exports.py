"""The files of exports and backups as text."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.golden.volatile import Volatile

BLOB = re.compile(r"blobs/../[0-9a-f]{64}")


def files_of_export(folder: Path, volatile: Volatile) -> dict[str, str]:
    """Manifest, card and rows of an export, by golden file."""
    name = folder.name
    volatile.step = f"export {name}"
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            columns = {field.name: str(field.type) for field in pq.read_schema(path)}
            rows = pq.read_table(path).to_pylist()
            lines = [columns, *(volatile.value(row) for row in rows)]
            text = "".join(json_line(line) for line in lines)
            files[f"exports/{name}/{path.stem}.jsonl"] = text
        elif path.suffix == ".jsonl":
            lines = [volatile.value(json.loads(line)) for line in path.read_text().splitlines()]
            files[f"exports/{name}/{path.name}"] = "".join(map(json_line, lines))
        elif path.name == "manifest.json":
            files[f"exports/{name}/{path.name}"] = manifest_text(path, volatile)
        elif path.is_file():
            files[f"exports/{name}/{path.name}"] = volatile.text(path.read_text(encoding="utf-8"))
    return files


def json_line(value: Any) -> str:
    """A value as a line of JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


def manifest_text(path: Path, volatile: Volatile) -> str:
    """A manifest with the sizes of its files left out: they follow how well times pack."""
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for described in manifest.get("files", {}).values():
        described["bytes"] = "<bytes>"
    return json.dumps(volatile.value(manifest), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def files_of_backup(folder: Path, volatile: Volatile) -> dict[str, str]:
    """How many files of a backup have which name, and its manifest without the schema's revision.

    Blobs count under one name, since the order of their hashes follows the version of a library.
    """
    volatile.step = "backup"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["revision"] = "<revision>"
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    counts = Counter(volatile.text(BLOB.sub("blobs/<hash>", name)) for name in names)
    value = {"files": counts, "manifest": volatile.value(manifest)}
    return {"backup.json": json.dumps(value, indent=1, sort_keys=True) + "\n"}
