"""Finds the words of a response, however it is packed, and says which of them its reader may not
see."""

from __future__ import annotations

import base64
import binascii
import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tests.blinding.tokens import find_tokens

if TYPE_CHECKING:
    from tests.blinding.in_process import Response
    from tests.blinding.oracle import Oracle

_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
PICTURES = "images"
"""Column of exports with pixels."""


@dataclass
class Report:
    """What a run saw."""

    steps: int = 0
    """Acts and looks."""
    responses: int = 0
    """Responses searched."""
    tokens_seen: int = 0
    """Words found that their reader may see, counted once for each response."""
    tokens_withheld: int = 0
    """Words that their reader may not see, looked for in each response."""
    contents: Counter[str] = field(default_factory=Counter)
    """Words found by content."""
    requests: Counter[str] = field(default_factory=Counter)
    """Requests by method and path, and calls of Gradio endpoints by name."""
    acts: Counter[str] = field(default_factory=Counter)
    """Acts that succeeded."""
    differences: dict[str, tuple[int, str]] = field(default_factory=dict)
    """How often each kind of difference occurred, and the shortest story that led to it."""

    def note(self, kind: str, story: str) -> None:
        """Count a difference; keep the story with the fewest lines."""
        count, shortest = self.differences.get(kind, (0, story))
        kept = min(shortest, story, key=lambda text: text.count("\n"))
        self.differences[kind] = (count + 1, kept)

    def describe(self) -> str:
        """The report as lines of text."""
        lines = [
            f"{self.steps} steps, {self.responses} responses scanned",
            f"{self.tokens_seen} tokens seen where allowed, {self.tokens_withheld} withheld",
            f"seen by content: {dict(self.contents)}",
            f"acts: {dict(sorted(self.acts.items()))}",
            f"{len(self.differences)} kinds of differences",
        ]
        for kind, (count, story) in sorted(self.differences.items()):
            lines += [f"--- {count} times: {kind}", story]
        return "\n".join(lines)


class Scanner:
    """Searches responses for what their reader may not see."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def find_leaks(
        self, oracle: Oracle, actor: str, response: Response, shown: Collection[str] = ()
    ) -> list[str]:
        """Describe the words that the actor may not see, except `shown`."""
        leaks, found = [], find_tokens(read_text(response.body))
        for token in sorted(found):
            if token in shown or oracle.sees_secret(actor, token):
                self._report.tokens_seen += 1
                self._report.contents[content_of(oracle, token)] += 1
            else:
                leaks.append(f"{describe_secret(oracle, actor, token)} ({token})")
        self._report.responses += 1
        self._report.tokens_withheld += oracle.count_hidden(actor)
        return leaks


def content_of(oracle: Oracle, token: str) -> str:
    """The content of a word."""
    return next((str(each.content) for each in oracle.secrets.get(token, ())), "none")


def describe_secret(oracle: Oracle, actor: str, token: str) -> str:
    """Content of a word, and whose it is."""
    secret = next(iter(oracle.secrets.get(token, ())), None)
    if secret is None:
        return "a word that was withdrawn or never stored"
    if secret.owner == actor:
        return f"own {secret.content}"
    return str(secret.content)


def read_text(body: bytes) -> str:
    """All text in a body: of the files in an archive, of Parquet, of escapes and base64."""
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return "\n".join(read_text(archive.read(name)) for name in archive.namelist())
    if body.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(body))
        columns = [name for name in table.column_names if name != PICTURES]
        return str(table.select(columns).to_pylist())
    text = body.decode(errors="replace")
    parts = [text]
    if "&" in text:
        parts.append(html.unescape(text))
    for coded in _BASE64.findall(text):
        try:
            parts.append(base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("latin-1"))
        except binascii.Error:
            continue
    return "\n".join(parts)
